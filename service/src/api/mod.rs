//! The gRPC handlers: each decodes a request, calls the domain, and encodes the response.
//! [`Handlers`] authenticates before and logs after. `tonic::Status` is known only here.

mod api_key_service;
mod bulk;
mod decode;
mod encode;
mod fields;
mod filter;
mod job_queue_service;
mod job_service;
mod list;
mod new_job;
mod outbox;
mod paging;
mod project_service;
mod queue;
mod settings;
mod spiders;
mod status;
mod summarize;
mod view;
mod watch;

use std::{future::Future, sync::Arc};

use tokio::time::Instant;
use tonic::{Request, Response, Status, metadata::MetadataMap};

pub use self::{
    api_key_service::KeyApi, job_queue_service::QueueApi, job_service::JobApi,
    project_service::ProjectApi,
};
use crate::{
    auth::{Caller, Credentials},
    domain::Domain,
};
use spiderq_core::{
    error::{Error, Result},
    limits::MAX_REQUEST_ID_BYTES,
    model::Millis,
};

/// What an RPC returns.
type RpcResult<T> = Result<Response<T>, Status>;

/// A call whose caller is authenticated.
struct Call {
    domain: Arc<Domain>,
    caller: Caller,
    /// When the caller stops waiting for the response.
    deadline: Option<Instant>,
}

/// When a caller stops waiting for the response. The server puts it in a request's extensions.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(pub Instant);

/// Runs handlers: authentication before, one log line and the map to `Status` after.
#[derive(Clone, Debug)]
pub(crate) struct Handlers(Arc<Domain>);

impl Handlers {
    pub(crate) fn new(domain: Domain) -> Self {
        Self(Arc::new(domain))
    }

    pub(crate) const fn domain(&self) -> &Arc<Domain> {
        &self.0
    }

    fn now(&self) -> Millis {
        self.0.now()
    }

    async fn run<Q, A, F, Fut>(
        &self,
        rpc: &'static str,
        request: Request<Q>,
        handler: F,
    ) -> RpcResult<A>
    where
        Q: Send,
        F: FnOnce(Call, Q) -> Fut + Send,
        Fut: Future<Output = Result<A>> + Send,
    {
        let started = Instant::now();
        let (metadata, extensions, message) = request.into_parts();
        let deadline = extensions.get().map(|Deadline(deadline)| *deadline);
        let domain = Arc::clone(&self.0);
        let done = match domain.auth().caller(credentials(&metadata)).await {
            Ok(caller) => handler(Call { domain, caller, deadline }, message).await,
            Err(error) => Err(error),
        };
        let request_id = request_id(&metadata);
        tracing::debug!(rpc, request_id, took = ?started.elapsed(), ok = done.is_ok(), "done");
        done.map(Response::new).map_err(|error| refuse(rpc, request_id, &error))
    }
}

/// Logs an error, once, and turns it into a `Status`.
fn refuse(rpc: &'static str, request_id: &str, error: &Error) -> Status {
    log(rpc, request_id, error);
    status::of(error)
}

fn log(rpc: &'static str, request_id: &str, error: &Error) {
    if let Error::Bug(source) = error {
        tracing::error!(rpc, request_id, %source, "internal error");
    } else if let Error::Unavailable { source, .. } = error {
        tracing::warn!(rpc, request_id, %source, "store unavailable");
    } else if let Error::Damaged(source) = error {
        // The store has logged it, once: each call from now on may meet it.
        tracing::debug!(rpc, request_id, %source, "store damaged");
    } else {
        tracing::debug!(rpc, request_id, %error, "refused");
    }
}

fn credentials(metadata: &MetadataMap) -> Option<Credentials> {
    Credentials::parse(metadata.get("authorization")?.to_str().ok()?)
}

/// The id by which the caller, or the gateway for it, finds the log lines of the call.
fn request_id(metadata: &MetadataMap) -> &str {
    let id = metadata.get("x-request-id").and_then(|id| id.to_str().ok());
    id.filter(|id| id.len() <= MAX_REQUEST_ID_BYTES).unwrap_or("-")
}
