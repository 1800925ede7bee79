//! What surrounds the gRPC services: the caller's deadline and panics, both answered with a
//! status. (The HTTP side has layers of its own: theirs would be UNKNOWN to a gRPC client.)

mod body;
#[cfg(test)]
mod tests;
mod timeout;

use std::{
    convert::Infallible,
    future::{Future, ready},
    panic::AssertUnwindSafe,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::http::{Request, Response};
use futures::FutureExt as _;
use spiderq_service::Deadline;
use tokio::time::{Instant, timeout_at};
use tonic::{Status, body::Body, service::Routes};
use tower::Service;

use self::body::Bounded;

/// The services, bounded. Stands inside gRPC-Web, which so has the same bounds.
#[derive(Clone, Debug)]
pub(crate) struct Guarded(pub(crate) Routes);

impl Service<Request<Body>> for Guarded {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<Body>>::poll_ready(&mut self.0, context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let due = match timeout::of(request.headers()) {
            Ok(Some(Duration::ZERO)) => return Box::pin(ready(Ok(late().into_http()))),
            Ok(timeout) => timeout.and_then(|long| Instant::now().checked_add(long)),
            Err(status) => return Box::pin(ready(Ok(status.into_http()))),
        };
        if let Some(due) = due {
            request.extensions_mut().insert(Deadline(due));
        }
        let answer = AssertUnwindSafe(self.0.call(request)).catch_unwind();
        Box::pin(async move {
            let answer = match due {
                Some(due) => timeout_at(due, answer).await,
                None => Ok(answer.await),
            };
            Ok(match answer {
                Ok(Ok(Ok(answer))) => answer.map(|body| Body::new(Bounded::new(body, due))),
                Ok(Err(_)) => panicked().into_http(),
                Err(_) => late().into_http(),
            })
        })
    }
}

fn late() -> Status {
    Status::deadline_exceeded("the deadline of the call has passed")
}

/// What was said in panic goes to the log, by the panic hook.
fn panicked() -> Status {
    tracing::error!("a handler panicked");
    Status::internal("internal error")
}
