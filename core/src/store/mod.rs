//! The traits of a store: what the domain asks of SQLite, Redis and memory.
//!
//! A store compares and applies; the rules are the domain's. Each mutating call is atomic for its
//! project, and acknowledged means durable as far as the store's settings go. Every step
//! ends within the store's timeout, with [`Error::Unavailable`](crate::error::Error::Unavailable)
//! where the store can't be reached; a write that timed out may still be applied, once. A call
//! is one step, except a count that has to look at jobs: it takes as many as it needs.
//!
//! What every store must do in all calls:
//! - An entry into a state gets `Position::after(last, now)`, where `last` is the project's
//!   highest position so far; its [`StateEntry`](crate::model::StateEntry) has that position and
//!   the actor given; an effect that [restores](Effect::restore) goes back to one that the job has.
//!   Every write that applies sets `updated` to `now`, or to 1 ms more than it was where that is
//!   later: no two writes of a job have the same time.
//! - Spiders get numbers 1, 2, 3 … in their project in order of first use, and jobs numbers
//!   1, 2, 3 … in their spider. No number is given twice, not even after a purge; a refused
//!   push takes none.
//! - A project exists from its first job, spider or setting on.
//! - Text and JSON come back byte for byte.

mod api_keys;
mod audit;
mod change;
mod check;
mod event;
mod jobs;
mod projects;
mod queue;
mod request_id;
mod runners;
mod running_limit;
mod upkeep;

pub use self::{
    api_keys::{ApiKeyDigest, ApiKeyRecord, ApiKeyStore, KeyRemoval, KeyReplacement},
    audit::{AuditPlace, AuditRange, AuditStore},
    change::{Change, Changed, Effect, Holder, NewAttempt, Step},
    check::{CheckProgress, CheckScope, CheckSummary, Finding, Subject},
    event::{EventCursor, EventKind, Events, JobEvent, Notifications},
    jobs::{JobStore, Page, PageRoom, Purged, Skipped, count_by_steps, skip_a_page},
    projects::{ProjectCounts, ProjectStore, SettingsChange, SpiderRecord, SpiderTagsUpdated},
    queue::{AddOutcome, Added, Claimed, NewJob, Pushed, QueueStore},
    request_id::{KeptAnswers, RequestDigest},
    runners::RunnerStore,
    running_limit::{MAX_RUNNING, MAX_RUNNING_UNITS, RunningLimit},
    upkeep::{Durability, Pruned, Retention, UpkeepStore},
};

pub use crate::limits::{MAX_BATCH, MAX_EVENTS};

/// A store of jobs and API keys: all seven parts. The module's documentation says what holds
/// for every call.
pub trait Store:
    JobStore + QueueStore + ProjectStore + ApiKeyStore + AuditStore + RunnerStore + UpkeepStore
{
}

impl<T> Store for T where
    T: JobStore + QueueStore + ProjectStore + ApiKeyStore + AuditStore + RunnerStore + UpkeepStore
{
}
