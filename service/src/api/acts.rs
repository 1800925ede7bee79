//! Acts: runs the calls that the audit is about, and tells them once they have ended. What each of
//! them is about, `service/src/api/acts/subjects.rs` says; a new one is an `Audited` there, a
//! name in `AUDITED_CALLS`, and `audited` in place of `run` in its handler.

mod subjects;
mod updates;

use std::{future::Future, panic::resume_unwind, sync::Arc};

use tonic::Request;
use tracing::Instrument as _;

use super::{Call, Handlers, RpcResult, request_id, status};
use crate::domain::{Act, ActSource, DONE};
use spiderq_core::{
    Origin,
    error::{Error, Result},
    model::{AUDITED_CALLS, ProjectId},
};

/// The request of a call that the audit is about.
pub(super) trait Audited: prost::Message + 'static {
    type Response: Send + 'static;

    /// Reads what the call is about; told once it has ended.
    fn act(&self) -> Telling<Self::Response>;
}

/// Tells what a call did by its response, or would have done where there is none. `None`: it
/// changed nothing, or it is not an act of those that the audit is about.
pub(super) type Telling<R> = Box<dyn FnOnce(Option<&R>) -> Option<Subject> + Send>;

/// What an act was about.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Subject {
    /// 0: no project.
    pub(super) project: i64,
    pub(super) text: String,
    pub(super) count: Option<u64>,
}

impl Handlers {
    /// Like [`Handlers::run`], for a call that the audit is about. It goes on to its end when its
    /// caller does not wait for it: nobody avoids the audit by a short deadline.
    pub(super) async fn audited<Q, F, Fut>(
        &self,
        rpc: &'static str,
        request: Request<Q>,
        handler: F,
    ) -> RpcResult<Q::Response>
    where
        Q: Audited,
        F: FnOnce(Call, Q) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Q::Response>> + Send + 'static,
    {
        debug_assert!(AUDITED_CALLS.contains(&rpc), "{rpc}");
        let source = source(&request);
        let audited = move |call: Call, message: Q| {
            to_its_end(async move {
                let (domain, caller) = (Arc::clone(&call.domain), call.caller.clone());
                // The call's own are gone when its caller goes away.
                let _held = (Arc::clone(&call.permit), call.memory.clone());
                let telling = message.act();
                let done = handler(call, message).await;
                if let Some(act) = act(rpc, telling, &done) {
                    domain.audit(&caller, act, source).await;
                }
                done
            })
        };
        self.run(rpc, request, audited).await
    }
}

fn source<Q>(request: &Request<Q>) -> ActSource {
    let peer = request.extensions().get::<Origin>().map(Origin::peer);
    let request_id = match request_id(request.metadata().as_ref()) {
        "-" => String::new(),
        id => id.to_owned(),
    };
    ActSource { peer, request_id }
}

/// Does `work` in a task of its own.
async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    match tokio::spawn(work.in_current_span()).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(cancelled) => Err(Error::unavailable(cancelled)),
        },
    }
}

fn act<R>(call: &'static str, telling: Telling<R>, done: &Result<R>) -> Option<Act> {
    let (subject, result) = match done {
        Ok(response) => (telling(Some(response))?, DONE),
        Err(error) => {
            if !is_told(error) {
                return None;
            }
            (telling(None)?, status::code_name(error))
        }
    };
    let project = ProjectId::new(subject.project).ok();
    Some(Act { call, project, subject: subject.text, result, count: subject.count })
}

/// Whether an act that failed is told: what a caller tried and may not, and what may have been done
/// in part. Any other error says that nothing was asked for that can be done.
const fn is_told(error: &Error) -> bool {
    match error {
        Error::Forbidden { .. }
        | Error::FieldsForbidden { .. }
        | Error::LastAdminKey
        | Error::KeyReplaced(_)
        | Error::Unavailable { .. }
        | Error::OutcomeUnknown { .. }
        | Error::Damaged(_)
        | Error::Bug(_) => true,
        Error::Invalid(_)
        | Error::Unauthenticated
        | Error::NotFound { .. }
        | Error::Duplicate { .. }
        | Error::WrongState { .. }
        | Error::AtLimit(_)
        | Error::Stale(_)
        | Error::RequestIdReused
        | Error::EtagChanged(_)
        | Error::TooLarge(_)
        | Error::CursorGone
        | Error::OutputGap(..)
        | Error::OutputDisabled
        | Error::QuotaExceeded { .. }
        | Error::Overloaded
        | Error::SlowReader(_)
        | Error::ShuttingDown => false,
    }
}

#[cfg(test)]
mod tests {
    use spiderq_core::clock::ManualClock;
    use spiderq_memory::MemoryStore;
    use spiderq_proto::v1;
    use tokio::{sync::Notify, task::yield_now};

    use super::*;
    use crate::{
        api::Identified,
        auth::{ApiKey, Auth},
        domain::{AuditQuery, Domain},
    };
    use spiderq_core::model::{AuditEvent, Millis};

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    fn handlers() -> Handlers {
        let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(ManualClock::default()));
        let auth = Auth::new(store.clone(), clock.clone(), &[7; 32], None)
            .with_admin_key(&ApiKey::parse(KEY).unwrap());
        Handlers::new(Domain::new(store, clock, Arc::new(auth)))
    }

    fn purge() -> Request<v1::PurgeJobRequest> {
        let mut request = Request::new(v1::PurgeJobRequest { key: "53/1/1".to_owned() });
        request.metadata_mut().insert("authorization", format!("Bearer {KEY}").parse().unwrap());
        request
    }

    async fn told(handlers: &Handlers) -> Vec<AuditEvent> {
        let Identified { caller: admin, .. } =
            handlers.identify(purge().metadata().as_ref(), None).await.unwrap();
        let query = AuditQuery {
            from: Millis(0),
            until: Millis(u64::MAX),
            owner: String::new(),
            call: String::new(),
            project: None,
            after: None,
            limit: 10,
        };
        handlers.domain().list_audit_events(&admin, query).await.unwrap().0
    }

    #[tokio::test]
    async fn an_act_is_done_and_told_when_its_caller_has_gone() {
        let handlers = handlers();
        let (begun, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (begins, goes) = (Arc::clone(&begun), Arc::clone(&go));
        let service = handlers.clone();
        let call = tokio::spawn(async move {
            let wait = |_, _| async move {
                begins.notify_one();
                goes.notified().await;
                Ok(v1::PurgeJobResponse { purged: true })
            };
            service.audited("PurgeJob", purge(), wait).await
        });
        begun.notified().await;
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
        go.notify_one();
        for _ in 0..1_000 {
            yield_now().await;
        }
        let events = told(&handlers).await;
        let acts: Vec<_> = events.iter().map(|one| (one.call.as_str(), &*one.result)).collect();
        assert_eq!(acts, [("PurgeJob", "OK")]);
    }

    #[tokio::test]
    async fn what_was_asked_in_vain_is_not_told_and_what_may_be_done_in_part_is() {
        let handlers = handlers();
        for error in [Error::invalid("key", "x"), Error::unavailable("gone"), Error::bug("x")] {
            let fail = move |_, _| async move { Err(error) };
            handlers.audited("PurgeJob", purge(), fail).await.unwrap_err();
        }
        let results: Vec<_> = told(&handlers).await.into_iter().map(|one| one.result).collect();
        assert_eq!(results, ["INTERNAL", "UNAVAILABLE"]);
    }
}
