//! Middleware of the gRPC services: admission, the caller's deadline, panics, and the server's
//! stop, which ends the streams of health and reflection; all end with a gRPC status. (The HTTP routes have
//! their own: an HTTP status would be UNKNOWN to a gRPC client.)

mod admission;
mod default_timeout;
mod elements;
mod method_limits;
mod request_message;
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
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};
use tonic::{Status, body::Body, service::Routes};
use tower::Service;

pub(crate) use self::admission::Admission;
use self::response_body::GuardedBody;

/// The services behind the guard. gRPC-Web is translated outside of it, so that the same
/// deadlines hold there.
#[derive(Clone, Debug)]
pub(crate) struct GrpcGuard {
    routes: Routes,
    /// `None`: calls are not checked before their handler runs, for tests.
    admission: Option<Admission>,
    /// True once calls without an end of their own are to end.
    stop: watch::Receiver<bool>,
}

impl GrpcGuard {
    pub(crate) const fn new(
        routes: Routes,
        admission: Option<Admission>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self { routes, admission, stop }
    }

    /// The stop, for a call that would go on through it: its services know nothing of ours. Our
    /// own calls end themselves.
    fn stop_of(&self, path: &str) -> Option<BoxFuture<'static, ()>> {
        let mut stop = self.stop.clone();
        let stopped = async move {
            // An error means that the server is gone, which ends the call too.
            let _ = stop.wait_for(|stop| *stop).await;
        };
        let is_endless = path == HEALTH_WATCH || path.starts_with(REFLECTION);
        is_endless.then(|| stopped.boxed())
    }
}

/// A stream of what health says, for as long as its client wants.
const HEALTH_WATCH: &str = "/grpc.health.v1.Health/Watch";
/// Each of its calls answers question after question, as long as its client has any.
const REFLECTION: &str = "/grpc.reflection.";

impl Service<Request<Body>> for GrpcGuard {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<Body>>::poll_ready(&mut self.routes, context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let deadline = match timeout_header::parse(request.headers()) {
            Ok(Some(Duration::ZERO)) => {
                return Box::pin(ready(Ok(deadline_exceeded().into_http())));
            }
            Ok(timeout) => {
                let timeout = timeout.or_else(|| default_timeout::of(request.uri().path()));
                timeout.and_then(|timeout| Instant::now().checked_add(timeout))
            }
            Err(status) => return Box::pin(ready(Ok(status.into_http()))),
        };
        if let Some(deadline) = deadline {
            request.extensions_mut().insert(Deadline(deadline));
        }
        let stop = self.stop_of(request.uri().path());
        let response = respond(self.routes.clone(), self.admission.clone(), request);
        Box::pin(async move {
            let response = match deadline {
                Some(deadline) => timeout_at(deadline, response).await,
                None => Ok(response.await),
            };
            Ok(match response {
                Ok(Ok(response)) => {
                    response.map(|body| Body::new(GuardedBody::new(body, deadline, stop)))
                }
                Ok(Err(status)) => status.into_http(),
                Err(_) => deadline_exceeded().into_http(),
            })
        })
    }
}

/// The handler's response, once the call is admitted.
async fn respond(
    mut routes: Routes,
    admission: Option<Admission>,
    request: Request<Body>,
) -> Result<Response<Body>, Status> {
    let (request, _memory) = match admission {
        Some(admission) => {
            let (request, memory) = admission.admit(request).await?;
            (request, Some(memory))
        }
        None => (request, None),
    };
    let response = AssertUnwindSafe(routes.call(request)).catch_unwind().await;
    let Ok(response) = response.map_err(|_| handler_panicked())?;
    Ok(response)
}

fn deadline_exceeded() -> Status {
    Status::deadline_exceeded("the deadline of the call has passed")
}

/// Its client connects again, to another server.
fn shutting_down() -> Status {
    Status::unavailable("the server is shutting down")
}

/// The panic hook has already logged where it happened and why.
fn handler_panicked() -> Status {
    tracing::error!("a handler panicked");
    Status::internal("internal error")
}
