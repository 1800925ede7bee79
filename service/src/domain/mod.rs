//! The rules: what each call means, in terms of the model, for any store. Knows neither gRPC
//! nor HTTP. A file is a verb of the API, or what several verbs share; `docs/development.md` lists
//! the calls that are not in a file of their own name.

mod api_keys;
mod audit;
mod bulk;
mod cancel;
mod change_outcome;
mod count;
mod delete;
pub(crate) mod execution_fields;
mod get;
mod give_back;
mod heartbeat;
mod job_cmd;
mod job_token;
mod known_spiders;
mod lease;
mod list;
mod list_last_jobs;
mod list_runners;
mod may_add_jobs;
mod metadata;
mod named_fields;
mod outage;
mod output;
mod progress;
mod projects;
mod push;
mod reaper;
pub mod request_id;
pub(crate) mod reserved_fields;
mod response_room;
mod restore;
mod retention;
mod runner_room;
mod runners;
mod schedule;
mod selection;
pub(crate) mod settings;
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
mod watch_all;

use std::sync::Arc;

pub use self::{
    api_keys::{Identity, NewApiKey},
    audit::{Act, ActSource, AuditPage, AuditQuery, Auditor, DONE},
    bulk::{BulkDone, BulkQuery},
    heartbeat::{Heartbeat, HeartbeatResult},
    known_spiders::RunWarning,
    list::{JobList, JobPage, ListOrder, ListQuery, PageCursor},
    list_last_jobs::{LastJobs, LastJobsQuery},
    list_runners::{RunnerPage, RunnerQuery},
    metadata::MetadataCondition,
    named_fields::NamedFields,
    output::{
        AppendLines, AttemptOutput, Batch, LineFilter, OutputKind, OutputReading, Outputs,
        ReadLines, Summary, Sweeper,
    },
    progress::Progress,
    projects::ProjectSummary,
    push::{PushJob, PushedJob},
    reaper::Reaper,
    response_room::ResponseRoom,
    retention::Pruner,
    runners::ListedRunner,
    schedule::ScheduleJob,
    selection::JobSelection,
    settings::SettingsUpdate,
    shutdown::Shutdown,
    spiders::{Spider, SpiderRef, SpiderUpdate},
    start::{StartJob, StartedJob},
    summarize::{StateSummary, SummarizeQuery, jobs_per_state},
    update_jobs::UpdateJobs,
    update_queue::{QueueUpdate, UpdateTarget, UpdatedJob},
    watch::{Watch, WatchItem, WatchQuery},
    watch_all::{Reach, WatchAll, WatchAllQuery, Watched},
};
use self::{
    may_add_jobs::SeenProjects, outage::Outages, progress::AllProgress, request_id::RequestId,
    runners::SeenRunners, start_waiters::StartWaiters, subscription::AllTurns,
};
use crate::auth::{Auth, Caller};
pub use spiderq_core::store::{AuditPlace, EventCursor, EventKind, JobEvent, RunningLimit};
use spiderq_core::{
    MemoryBudget, Reservation,
    clock::Clock,
    error::{Error, Result},
    limits::MAX_ITEMS,
    model::{FieldSelection, JobKey, Millis, ProjectId},
    store::{RequestDigest, Store},
};

/// The metadata field with the arguments of the spider.
const SPIDER_ARGS: &str = "spider_args";

/// The domain over one store.
#[derive(Clone, Debug)]
pub struct Domain {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    auth: Arc<Auth>,
    shutdown: Shutdown,
    start_waiters: Arc<StartWaiters>,
    memory: MemoryBudget,
    seen_projects: Arc<SeenProjects>,
    seen_runners: Arc<SeenRunners>,
    /// Of waiters and watches.
    turns: Arc<AllTurns>,
    progress: Arc<AllProgress>,
    audit: Arc<audit::Audit>,
    outages: Arc<Outages>,
    /// `None`: no output is kept.
    output: Option<output::JobOutput>,
}

impl Domain {
    /// `clock` must be one that all processes on `store` share: leases end by it.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, auth: Arc<Auth>) -> Self {
        Self {
            store,
            clock,
            auth,
            shutdown: Shutdown::default(),
            start_waiters: Arc::default(),
            memory: MemoryBudget::unlimited(),
            seen_projects: Arc::default(),
            seen_runners: Arc::default(),
            turns: Arc::default(),
            progress: Arc::default(),
            audit: Arc::default(),
            outages: Arc::default(),
            output: None,
        }
    }

    /// The same with a bound on the memory of its responses.
    #[must_use]
    pub fn with_memory(self, memory: MemoryBudget) -> Self {
        Self { memory, ..self }
    }

    /// Memory for a response to `caller`; none yet.
    #[must_use]
    pub fn memory_of(&self, caller: &Caller) -> Reservation {
        self.memory.account(&caller.account())
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

/// The metadata of every row that the API answers: those of the store's rows, and the arguments
/// of the spider.
#[must_use]
pub fn row_fields() -> FieldSelection {
    FieldSelection::Row.with(SPIDER_ARGS)
}

/// The keys that a call names: at least one, not too many, and all of its project.
fn check_keys(project: ProjectId, keys: &[JobKey]) -> Result<()> {
    check_items("keys", keys.len())?;
    check_project(project, keys)
}

/// All keys must be of the project that the call is about.
fn check_project(project: ProjectId, keys: &[JobKey]) -> Result<()> {
    let check = |key: &JobKey| is_of_project(project, *key);
    keys.iter().try_for_each(check).map_err(|error| error.at("filter.keys"))
}

/// The key must be of the project that the call is about.
pub(crate) fn is_of_project(project: ProjectId, key: JobKey) -> Result<()> {
    if key.project == project {
        return Ok(());
    }
    Err(Error::invalid("key", format!("must be a job of project {project}, {key} is not")))
}
