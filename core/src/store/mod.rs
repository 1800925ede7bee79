//! The store trait: what the domain asks of SQLite and Redis, in verbs of the domain.
//!
//! A store compares and applies; it knows no rules. Each mutating call is atomic for its
//! project, and acknowledged means durable as far as the store's settings go. Every step
//! ends within the store's deadline, with [`Error::Unavailable`](crate::error::Error::Unavailable)
//! where the store is out of reach; a write that timed out may still be applied, once. A call
//! is one step, but for a count that has to look at the jobs: that is as many as it takes.
//!
//! What any store must do on its own, whatever it is asked for:
//! - An entry into a state gets `Position::after(last, now)`, where `last` is the project's
//!   highest position so far; its [`Entry`](crate::model::Entry) has that position and
//!   the actor given. Every write that applies sets `updated` to `now`.
//! - Spiders get numbers 1, 2, 3 … in their project in order of first use, and jobs numbers
//!   1, 2, 3 … in their spider. No number is given twice, not even after a purge; a refused
//!   push takes none.
//! - A project exists from its first job, spider or setting on.
//! - Text and JSON come back byte for byte.

mod api_keys;
mod change;
mod check;
mod event;
mod jobs;
mod limit;
mod projects;
mod queue;
mod request;
mod upkeep;

pub use self::{
    api_keys::{ApiKeyDigest, ApiKeyRecord, ApiKeyStore},
    change::{Change, Changed, Effect, Holder, Start, Step},
    check::{CheckProgress, CheckScope, CheckSummary, Finding, Subject},
    event::{Events, JobEvent, MAX_EVENTS, Notifications},
    jobs::{JobStore, Page, Purged},
    limit::{Limit, MAX_RUNNING, MAX_RUNNING_UNITS},
    projects::{ProjectCounts, ProjectStore, SettingsChange, SpiderEdited, SpiderRecord},
    queue::{Claimed, NewJob, Pushed, QueueStore},
    request::RequestDigest,
    upkeep::{Durability, Retention, UpkeepStore},
};

/// Most jobs that one call of [`Store::push`], [`Store::change`], [`Store::get`] and
/// [`Store::page`] may be about: what Redis does in one script without holding up others.
pub const MAX_BATCH: usize = 100;

/// A store of jobs and API keys: all five parts. See the module's documentation for what
/// holds for every call.
pub trait Store: JobStore + QueueStore + ProjectStore + ApiKeyStore + UpkeepStore {}

impl<T: JobStore + QueueStore + ProjectStore + ApiKeyStore + UpkeepStore> Store for T {}
