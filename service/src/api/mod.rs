//! The gRPC side: each handler authenticates, decodes, calls the domain, encodes. Three
//! lines are normal. `tonic::Status` is known only here.

mod decode;
mod encode;
mod job_queue_service;
mod job_service;
mod key_service;
mod list;
mod outbox;
mod project_service;
mod status;
mod summary;
mod watch;

use std::{future::Future, sync::Arc};

use tokio::time::Instant;
use tonic::{Request, Response, Status, metadata::MetadataMap};

pub use self::{
    job_queue_service::QueueApi, job_service::JobApi, key_service::KeyApi,
    project_service::ProjectApi,
};
use crate::{
    auth::{Caller, Credentials},
    domain::Domain,
};
use spiderq_core::{
    error::{Error, Result},
    model::Millis,
};

/// What a handler answers.
type Answer<T> = Result<Response<T>, Status>;

/// What a handler works with.
struct On {
    domain: Arc<Domain>,
    caller: Caller,
    /// When the caller waits no longer.
    due: Option<Instant>,
}

/// When a caller waits no longer: what surrounds the services puts it in a request's
/// extensions.
#[derive(Clone, Copy, Debug)]
pub struct Due(pub Instant);

/// Runs handlers: authentication before, the one log line and the map to `Status` after.
#[derive(Clone, Debug)]
pub(crate) struct Calls(Arc<Domain>);

impl Calls {
    pub(crate) fn new(domain: Domain) -> Self {
        Self(Arc::new(domain))
    }

    /// What they call.
    pub(crate) const fn domain(&self) -> &Arc<Domain> {
        &self.0
    }

    /// The server's clock.
    fn now(&self) -> Millis {
        self.0.now()
    }

    async fn call<Q, A, F, Fut>(&self, rpc: &'static str, request: Request<Q>, run: F) -> Answer<A>
    where
        Q: Send,
        F: FnOnce(On, Q) -> Fut + Send,
        Fut: Future<Output = Result<A>> + Send,
    {
        let begun = Instant::now();
        let (metadata, extensions, message) = request.into_parts();
        let due = extensions.get().map(|Due(due)| *due);
        let domain = Arc::clone(&self.0);
        let done = match domain.auth().caller(credentials(&metadata)).await {
            Ok(caller) => run(On { domain, caller, due }, message).await,
            Err(error) => Err(error),
        };
        match done {
            Ok(answer) => {
                tracing::debug!(rpc, request_id = request_id(&metadata), took = ?begun.elapsed(), "done");
                Ok(Response::new(answer))
            }
            Err(error) => Err(refuse(rpc, request_id(&metadata), &error)),
        }
    }
}

/// Logs an error, once, and turns it into a `Status`.
fn refuse(rpc: &'static str, request_id: &str, error: &Error) -> Status {
    log(rpc, request_id, error);
    status::of(error)
}

fn log(rpc: &'static str, request_id: &str, error: &Error) {
    match error {
        Error::Bug(source) => tracing::error!(rpc, request_id, %source, "internal error"),
        Error::Unavailable { source, .. } => {
            tracing::warn!(rpc, request_id, %source, "store unavailable");
        }
        Error::Invalid { .. }
        | Error::Unauthenticated
        | Error::Forbidden(_)
        | Error::NotFound(_)
        | Error::Duplicate(_)
        | Error::WrongState(_)
        | Error::AtLimit(_)
        | Error::Stale(_)
        | Error::RequestIdReused
        | Error::CursorGone
        | Error::SlowReader(_)
        | Error::ShuttingDown
        | Error::TooLarge { .. } => tracing::debug!(rpc, request_id, %error, "refused"),
    }
}

fn credentials(metadata: &MetadataMap) -> Option<Credentials> {
    Credentials::parse(metadata.get("authorization")?.to_str().ok()?)
}

/// The id under which the caller, or the gateway for it, will look for log lines.
fn request_id(metadata: &MetadataMap) -> &str {
    let id = metadata.get("x-request-id").and_then(|id| id.to_str().ok());
    id.filter(|id| id.len() <= 128).unwrap_or("-")
}
