//! The gRPC handlers: each decodes a request, calls the domain, and encodes the response.
//! [`Handlers`] authenticates before and logs after. `tonic::Status` is known only here.

mod acts;
mod api_key_service;
mod audit_service;
mod bulk;
mod decode;
mod encode;
mod fields;
mod filter;
mod job_output_service;
mod job_queue_service;
mod job_service;
mod list;
mod new_job;
mod outbox;
mod paging;
mod project_service;
mod queue;
mod runner_service;
mod settings;
mod spiders;
mod status;
mod summarize;
mod view;
mod watch;

use std::{future::Future, sync::Arc, time::Duration};

use http::{Extensions, HeaderMap};
use prost::Message;
use tokio::time::Instant;
use tonic::{Request, Response, Status};

pub use self::{
    api_key_service::KeyApi, audit_service::AuditApi, job_output_service::OutputApi,
    job_queue_service::QueueApi, job_service::JobApi, project_service::ProjectApi,
    runner_service::RunnerApi, status::of as status_of,
};
use crate::{
    auth::{Caller, CallerQuotas, Credentials, Permit},
    domain::Domain,
};
use spiderq_core::{
    HeldMemory, Origin, Reservation,
    error::{Error, Result},
    limits::MAX_LOG_REQUEST_ID_BYTES,
    model::{Millis, ProjectId, Quota},
};

/// What an RPC returns.
type RpcResult<T> = Result<Response<T>, Status>;

/// A call whose caller is authenticated.
struct Call {
    domain: Arc<Domain>,
    caller: Caller,
    /// When the caller stops waiting for the response.
    deadline: Option<Instant>,
    /// What its message takes of the memory, where the server has counted that.
    memory: Option<HeldMemory>,
    /// Counts the call among those under way: until its handler ends, and longer for a stream
    /// that keeps it.
    permit: Arc<Permit>,
}

impl Call {
    /// An error unless the call may add so many jobs to the project.
    async fn may_add_jobs(&self, project: ProjectId, jobs: usize) -> Result<()> {
        self.domain.may_add_jobs(&self.caller, &self.permit, project, jobs).await
    }

    /// Memory for a response that takes about so many bytes as a message.
    async fn reserve(&self, bytes: usize) -> Result<Reservation> {
        let mut memory = self.domain.memory_of(&self.caller);
        // The message and its encoding are in memory at the same time.
        memory.grow_in_time(2 * bytes).await?;
        Ok(memory)
    }
}

/// Who makes a call, and whose quotas it uses up. Travels in a request's extensions.
#[derive(Clone)]
struct Identified {
    caller: Caller,
    quotas: CallerQuotas,
    since: Instant,
}

/// After how long a call whose message took its time is authenticated again: its key may have been
/// revoked since.
const IDENTIFIED_FOR: Duration = Duration::from_secs(1);

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

    /// Authenticates a call by its headers, before its message is read, and leaves the caller for
    /// [`Handlers::run`] in the extensions. Returns a name for what the caller takes of the memory.
    pub(crate) async fn authenticate(
        &self,
        path: &str,
        headers: &HeaderMap,
        extensions: &mut Extensions,
    ) -> Result<String> {
        let found = self.identify(headers, extensions.get()).await;
        let identified =
            found.inspect_err(|error| log(method(path), request_id(headers), error))?;
        let account = identified.caller.account();
        extensions.insert(identified);
        Ok(account)
    }

    /// Whose credentials the call came with. Failures are counted for the audit.
    async fn identify(&self, headers: &HeaderMap, origin: Option<&Origin>) -> Result<Identified> {
        let found = self.0.auth().identify(credentials(headers)).await;
        if let Some(origin) = origin {
            match &found {
                Ok((caller, _)) => origin.identify(caller.actor().as_str()),
                Err(Error::Unauthenticated) => self.0.authentication_failed(origin.peer().ip()),
                // The store was asked in vain: nobody knows whether they are good.
                Err(_) => {}
            }
        }
        found.map(|(caller, quotas)| Identified { caller, quotas, since: Instant::now() })
    }

    /// Whose call it is: as was found before its message was read, if that was just now.
    async fn identified(
        &self,
        headers: &HeaderMap,
        extensions: &mut Extensions,
    ) -> Result<Identified> {
        match extensions.remove::<Identified>() {
            Some(found) if found.since.elapsed() < IDENTIFIED_FOR => Ok(found),
            Some(_) | None => self.identify(headers, extensions.get()).await,
        }
    }

    /// The caller of a call that no quota counts.
    async fn caller<Q>(&self, rpc: &'static str, request: Request<Q>) -> Result<Caller, Status> {
        let (metadata, mut extensions, _) = request.into_parts();
        let headers: &HeaderMap = metadata.as_ref();
        let identified = self.identified(headers, &mut extensions).await;
        let identified = identified.map_err(|error| refuse(rpc, request_id(headers), &error));
        identified.map(|identified| identified.caller)
    }

    async fn run<Q, A, F, Fut>(
        &self,
        rpc: &'static str,
        request: Request<Q>,
        handler: F,
    ) -> RpcResult<A>
    where
        Q: Message,
        F: FnOnce(Call, Q) -> Fut + Send,
        Fut: Future<Output = Result<A>> + Send,
    {
        self.run_as(Quota::Calls, rpc, request, handler).await
    }

    /// The same for a call that another quota counts while it is under way.
    async fn run_as<Q, A, F, Fut>(
        &self,
        kind: Quota,
        rpc: &'static str,
        request: Request<Q>,
        handler: F,
    ) -> RpcResult<A>
    where
        Q: Message,
        F: FnOnce(Call, Q) -> Fut + Send,
        Fut: Future<Output = Result<A>> + Send,
    {
        let started = Instant::now();
        let (metadata, mut extensions, message) = request.into_parts();
        let headers: &HeaderMap = metadata.as_ref();
        let deadline = extensions.get().map(|Deadline(deadline)| *deadline);
        let memory: Option<HeldMemory> = extensions.remove();
        let domain = Arc::clone(&self.0);
        let identified = self.identified(headers, &mut extensions).await;
        let begun = identified.and_then(|Identified { caller, quotas, .. }| {
            let permit = domain.auth().begin(quotas, kind)?;
            domain.auth().take_bytes(&permit, message.encoded_len())?;
            Ok((caller, permit))
        });
        let done = match begun {
            Ok((caller, permit)) => {
                // Held here too: a handler keeps of its call only the fields that it names.
                let held = (Arc::new(permit), memory.clone());
                let permit = Arc::clone(&held.0);
                let call = Call { domain, caller, deadline, memory, permit };
                let done = handler(call, message).await;
                drop(held);
                done
            }
            Err(error) => Err(error),
        };
        let request_id = request_id(headers);
        tracing::debug!(rpc, request_id, took = ?started.elapsed(), ok = done.is_ok(), "done");
        done.map(Response::new).map_err(|error| refuse(rpc, request_id, &error))
    }
}

/// The response, which holds its memory until its body is sent.
fn hold<T>(response: Response<(T, Reservation)>) -> Response<T> {
    let (metadata, (message, memory), mut extensions) = response.into_parts();
    extensions.insert(HeldMemory::from(memory));
    Response::from_parts(metadata, message, extensions)
}

/// Logs an error, once, and turns it into a `Status`.
fn refuse(rpc: &str, request_id: &str, error: &Error) -> Status {
    log(rpc, request_id, error);
    status::of(error)
}

fn log(rpc: &str, request_id: &str, error: &Error) {
    if let Error::Bug(source) = error {
        tracing::error!(rpc, request_id, %source, "internal error");
    } else if let Error::Unavailable { source, .. } = error {
        tracing::warn!(rpc, request_id, %source, "store unavailable");
    } else if let Error::Damaged(source) = error {
        // The store has logged it, once: each call from now on may meet it.
        tracing::debug!(rpc, request_id, %source, "store damaged");
    } else if let Error::JobDamaged { job, source } = error {
        tracing::error!(rpc, request_id, %job, %source, "the record of a job cannot be read");
    } else {
        tracing::debug!(rpc, request_id, %error, "refused");
    }
}

fn credentials(headers: &HeaderMap) -> Option<Credentials> {
    Credentials::parse(headers.get("authorization")?.to_str().ok()?)
}

/// Logs the refusal of a call to `path` that came to no handler, as those of handlers are.
pub fn log_refusal(path: &str, headers: &HeaderMap, status: &Status) {
    let (rpc, request_id) = (method(path), request_id(headers));
    tracing::debug!(rpc, request_id, error = status.message(), "refused");
}

/// `StopJobs` of `/spiderq.v1.JobService/StopJobs`.
fn method(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The id by which the caller, or the gateway for it, finds the log lines of the call.
fn request_id(headers: &HeaderMap) -> &str {
    let id = headers.get("x-request-id").and_then(|id| id.to_str().ok());
    id.filter(|id| id.len() <= MAX_LOG_REQUEST_ID_BYTES).unwrap_or("-")
}

#[cfg(test)]
mod tests {
    use spiderq_core::{clock::ManualClock, model::Role};
    use spiderq_memory::MemoryStore;
    use tokio::time::advance;
    use tonic::Code;

    use super::*;
    use crate::{
        auth::{ApiKey, Auth},
        domain::NewApiKey,
    };
    use spiderq_core::model::{Actor, Quotas};

    const ADMIN: &str = "0123456789abcdef0123456789abcdef";

    async fn ping(handlers: &Handlers, key: &str, extensions: Extensions) -> Result<(), Code> {
        let mut request = Request::new(());
        request.metadata_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
        *request.extensions_mut() = extensions;
        let done = handlers.run("Ping", request, |_, ()| async { Ok(()) }).await;
        done.map(|_| ()).map_err(|status| status.code())
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_whose_message_took_long_is_authenticated_again() {
        let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(ManualClock::default()));
        let auth = Auth::new(store.clone(), clock.clone(), &[7; 32], None)
            .with_admin_key(&ApiKey::parse(ADMIN).unwrap());
        let handlers = Handlers::new(Domain::new(store, clock, Arc::new(auth)));
        let headers = |key: &str| {
            HeaderMap::from_iter([(
                http::header::AUTHORIZATION,
                format!("Bearer {key}").parse().unwrap(),
            )])
        };
        let admin = handlers.identify(&headers(ADMIN), None).await.unwrap().caller;
        let new = NewApiKey {
            owner: Actor::parse("ann").unwrap(),
            role: Role::User,
            projects: Vec::new(),
            all_projects: true,
            expires: None,
            quotas: Quotas::default(),
            request_id: String::new(),
        };
        let (key, record) = handlers.domain().create_key(&admin, new).await.unwrap();
        let mut extensions = Extensions::new();
        handlers.authenticate("Ping", &headers(key.expose()), &mut extensions).await.unwrap();
        handlers.domain().revoke_key(&admin, &record.id).await.unwrap();
        assert_eq!(ping(&handlers, key.expose(), extensions.clone()).await, Ok(()));
        advance(IDENTIFIED_FOR).await;
        assert_eq!(ping(&handlers, key.expose(), extensions).await, Err(Code::Unauthenticated));
    }
}
