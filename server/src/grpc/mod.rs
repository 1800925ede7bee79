//! Middleware of the gRPC services: admission, the caller's deadline, panics, and the end of the
//! streams of health and reflection, by the server's stop or by a timeout; all end with a gRPC
//! status. It also compresses responses. (The HTTP routes have their own: an HTTP status would be
//! UNKNOWN to a gRPC client.)

mod admission;
mod compression;
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
use crate::public_paths::is_public_stream;

/// The services behind the guard. gRPC-Web is translated outside of it, so that the same
/// deadlines hold there.
#[derive(Clone, Debug)]
pub(crate) struct GrpcGuard {
    routes: Routes,
    /// `None`: calls are not checked before their handler runs, for tests.
    admission: Option<Admission>,
    /// True once calls without an end of their own are to end.
    stop: watch::Receiver<bool>,
    /// How long a call without an end of its own may last.
    public_stream_timeout: Duration,
}

impl GrpcGuard {
    pub(crate) const fn new(
        routes: Routes,
        admission: Option<Admission>,
        public_stream_timeout: Duration,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self { routes, admission, stop, public_stream_timeout }
    }

    /// When and how a call ends that would go on through the server's stop and for as long as its
    /// client likes: its services know nothing of ours. Our own calls end themselves.
    fn end_of(&self, path: &str) -> Option<BoxFuture<'static, Status>> {
        if !is_public_stream(path) {
            return None;
        }
        let (mut stop, limit) = (self.stop.clone(), self.public_stream_timeout);
        let deadline = Instant::now() + limit;
        let end = async move {
            // An error of the watch means that the server is gone, which ends the call too.
            match timeout_at(deadline, stop.wait_for(|stop| *stop)).await {
                Ok(_) => shutting_down(),
                Err(_) => lasted_too_long(limit),
            }
        };
        Some(end.boxed())
    }
}

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
        let end = self.end_of(request.uri().path());
        let compresses = compression::is_accepted(request.headers());
        // On the heap: the layers above would move it, and hold a copy for each of their branches.
        let response = Box::pin(respond(self.routes.clone(), self.admission.clone(), request));
        Box::pin(async move {
            let response = match deadline {
                Some(deadline) => timeout_at(deadline, response).await,
                None => Ok(response.await),
            };
            Ok(match response {
                Ok(Ok(response)) => {
                    let guard = |body| Body::new(GuardedBody::new(body, deadline, end));
                    let response = response.map(guard);
                    if compresses { compression::apply(response) } else { response }
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
    let request = match admission {
        Some(admission) => admission.admit(request).await?,
        None => request,
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

/// Its client may call again at once.
fn lasted_too_long(limit: Duration) -> Status {
    let seconds = limit.as_secs_f32();
    Status::unavailable(format!("the stream has lasted for {seconds} s: call again"))
}

/// The panic hook has already logged where it happened and why.
fn handler_panicked() -> Status {
    tracing::error!("a handler panicked");
    Status::internal("internal error")
}
