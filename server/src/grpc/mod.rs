//! Middleware of the gRPC services: the caller's deadline, and panics; both end with a gRPC
//! status. (The HTTP routes have their own: an HTTP status would be UNKNOWN to a gRPC client.)

mod response_body;
#[cfg(test)]
mod tests;
mod timeout_header;

use std::{
    convert::Infallible,
    future::ready,
    panic::AssertUnwindSafe,
    task::{Context, Poll},
    time::Duration,
};

use axum::http::{Request, Response};
use futures::{FutureExt as _, future::BoxFuture};
use spiderq_service::Deadline;
use tokio::time::{Instant, timeout_at};
use tonic::{Status, body::Body, service::Routes};
use tower::Service;

use self::response_body::GuardedBody;

/// The services behind the guard. gRPC-Web is translated outside of it, so that the same
/// deadlines hold there.
#[derive(Clone, Debug)]
pub(crate) struct GrpcGuard(pub(crate) Routes);

impl Service<Request<Body>> for GrpcGuard {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<Body>>::poll_ready(&mut self.0, context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let deadline = match timeout_header::parse(request.headers()) {
            Ok(Some(Duration::ZERO)) => {
                return Box::pin(ready(Ok(deadline_exceeded().into_http())));
            }
            Ok(timeout) => timeout.and_then(|timeout| Instant::now().checked_add(timeout)),
            Err(status) => return Box::pin(ready(Ok(status.into_http()))),
        };
        if let Some(deadline) = deadline {
            request.extensions_mut().insert(Deadline(deadline));
        }
        let response = AssertUnwindSafe(self.0.call(request)).catch_unwind();
        Box::pin(async move {
            let response = match deadline {
                Some(deadline) => timeout_at(deadline, response).await,
                None => Ok(response.await),
            };
            Ok(match response {
                Ok(Ok(Ok(response))) => {
                    response.map(|body| Body::new(GuardedBody::new(body, deadline)))
                }
                Ok(Err(_)) => handler_panicked().into_http(),
                Err(_) => deadline_exceeded().into_http(),
            })
        })
    }
}

fn deadline_exceeded() -> Status {
    Status::deadline_exceeded("the deadline of the call has passed")
}

/// The panic hook has already logged where it happened and why.
fn handler_panicked() -> Status {
    tracing::error!("a handler panicked");
    Status::internal("internal error")
}
