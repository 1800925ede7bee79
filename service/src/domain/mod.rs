//! The rules: what each call means, in terms of the model, for any store. Knows neither gRPC
//! nor HTTP. A file is a verb of the API, or what several verbs share; `docs/development.md` lists
//! the calls that are not in a file of their own name.

mod api_keys;
mod cancel;
mod change_outcome;
mod count;
mod delete;
mod get;
mod heartbeat;
mod job_cmd;
mod job_token;
mod lease;
mod list;
mod list_last_jobs;
mod metadata;
mod projects;
mod push;
mod reaper;
pub mod request_id;
mod reserved_fields;
mod restore;
mod retention;
mod schedule;
mod settings;
mod shutdown;
mod spiders;
mod start;
mod start_waiters;
mod stop;
mod subscription;
mod summarize;
#[cfg(test)]
mod test_world;
mod transition;
mod update_jobs;
mod update_queue;
mod watch;

use std::sync::Arc;

pub use self::{
    api_keys::Identity,
    heartbeat::{Heartbeat, HeartbeatResult},
    list::{JobList, ListOrder, ListQuery, PageCursor},
    list_last_jobs::LastJobsQuery,
    projects::ProjectSummary,
    push::{PushJob, PushedJob},
    reaper::Reaper,
    retention::Pruner,
    schedule::ScheduleJob,
    shutdown::Shutdown,
    spiders::{Spider, SpiderRef},
    start::{StartJob, StartedJob},
    summarize::{StateSummary, SummarizeQuery},
    update_jobs::UpdateJobs,
    update_queue::{QueueUpdate, UpdateTarget, UpdatedJob},
    watch::{Watch, WatchItem, WatchQuery},
};
use self::{request_id::RequestId, start_waiters::StartWaiters};
use crate::auth::Auth;
use spiderq_core::{
    clock::Clock,
    error::{Error, Result},
    limits::{MAX_ITEMS, MAX_ROWS},
    model::{JobKey, Millis, ProjectId},
    store::{RequestDigest, Store},
};

/// The domain over one store.
#[derive(Clone, Debug)]
pub struct Domain {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    auth: Arc<Auth>,
    shutdown: Shutdown,
    start_waiters: Arc<StartWaiters>,
}

impl Domain {
    /// `clock` must be one that all processes on `store` share: leases end by it.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, auth: Arc<Auth>) -> Self {
        Self { store, clock, auth, shutdown: Shutdown::default(), start_waiters: Arc::default() }
    }

    /// Checks credentials; makes API keys and job tokens.
    #[must_use]
    pub fn auth(&self) -> &Auth {
        &self.auth
    }

    /// Ends calls that wait for something to happen.
    #[must_use]
    pub const fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    /// The time that all processes on the store share.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.clock.now()
    }

    fn sign_job_token(&self, job: JobKey, attempt: u32) -> String {
        self.auth.tokens().sign(job, attempt)
    }
}

/// What the store keeps of the `step`th atomic step of a call under `id`.
fn step_digest(id: Option<&RequestId>, step: usize, now: Millis) -> Option<RequestDigest> {
    id.map(|id| id.step(step, now))
}

/// `items` must be from 1 to [`MAX_ITEMS`].
fn check_items(field: &str, items: usize) -> Result<()> {
    match items {
        0 => Err(Error::invalid(field, "at least one is required")),
        1..=MAX_ITEMS => Ok(()),
        _ => Err(Error::too_large(field, format!("at most {MAX_ITEMS} in one call"))),
    }
}

/// The number of rows that a caller asked for, from 1 to [`MAX_ROWS`]; 0 means [`MAX_ROWS`].
fn check_rows(field: &str, asked: u32) -> Result<usize> {
    match usize::try_from(asked) {
        Ok(0) => Ok(MAX_ROWS),
        Ok(rows @ 1..=MAX_ROWS) => Ok(rows),
        Ok(_) | Err(_) => Err(Error::invalid(field, format!("must be from 1 to {MAX_ROWS}"))),
    }
}

/// The keys that a call names: at least one, not too many, and all of its project.
fn check_keys(project: ProjectId, keys: &[JobKey]) -> Result<()> {
    check_items("keys", keys.len())?;
    check_project(project, keys)
}

/// All keys must be of the project that the call is about.
fn check_project(project: ProjectId, keys: &[JobKey]) -> Result<()> {
    match keys.iter().find(|key| key.project != project) {
        Some(key) => {
            Err(Error::invalid("key", format!("must be a job of project {project}, {key} is not")))
        }
        None => Ok(()),
    }
}
