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

mod change;
mod check;
mod credential;
mod event;
mod limit;
mod project;
mod prune;
mod push;
pub mod redis;
mod request;
mod spider;
pub mod sqlite;
mod url;

use std::fmt;

use async_trait::async_trait;

pub use self::{
    change::{Change, Changed, Effect, Holder, Start, Step},
    check::{Checked, Finding, Scope, Subject, Told},
    credential::{ApiKeyRecord, KeyDigest, Role},
    event::{Events, JobEvent, KEPT_EVENTS, Pulses},
    limit::{Limit, MAX_RUNNING, MAX_RUNNING_UNITS, Wanted},
    project::{ProjectCounts, SettingsChange},
    prune::Keep,
    push::{NewJob, Pushed},
    request::RequestKey,
    spider::{SpiderEdited, SpiderRecord},
    url::{StoreUrl, open},
};
use crate::{
    error::Result,
    model::{
        Fence, FieldName, Filter, Job, JobKey, Metadata, Millis, Position, ProjectId, SpiderId,
        SpiderName, State, TagEdit,
    },
};

/// Most jobs that one call of [`Store::push`], [`Store::change`], [`Store::get`] and
/// [`Store::page`] may be about: what Redis does in one script without holding up others.
pub const BATCH: usize = 100;

/// Which metadata a read answers with. Everything else of a job is always there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fields {
    /// Just `close_reason`, `version` and `spider_type`.
    Row,
    /// Those of `Row` and these.
    Named(Vec<FieldName>),
    /// All.
    Full,
}

impl Fields {
    /// The metadata fields of every row.
    pub const ROW: [&'static str; 3] = ["close_reason", "spider_type", "version"];

    /// Whether a read answers with the field `name`.
    #[must_use]
    pub fn includes(&self, name: &str) -> bool {
        match self {
            Self::Full => true,
            Self::Row => Self::ROW.contains(&name),
            Self::Named(names) => {
                Self::ROW.contains(&name) || names.iter().any(|field| field.as_str() == name)
            }
        }
    }
}

/// Part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Highest position first. May be fewer than asked for, even none, before the end.
    pub jobs: Vec<Job>,
    /// Where the next part begins (its [`Filter::until`]); `None` at the end.
    pub next: Option<Position>,
}

/// What [`Store::claim`] took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// After the claim, with all its metadata.
    pub job: Job,
    /// The fence of its attempt: the caller's, or on a repeated request the first call's.
    pub fence: Fence,
}

/// What became of [`Store::purge`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purged {
    /// The job is gone for good.
    Done,
    /// There is no such job.
    Missing,
    /// It is in this state, not deleted; nothing was done.
    Refused(State),
}

/// What a store does with an acknowledged write when it is killed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Durability {
    /// Whether an acknowledged write survives `kill -9` and loss of power.
    pub safe: bool,
    /// The settings found and what can be lost, in one line.
    pub report: String,
}

/// A store of jobs and API keys. See the module's documentation for what holds for all
/// calls.
#[async_trait]
pub trait Store: Send + Sync + fmt::Debug {
    /// Adds jobs (at most [`BATCH`]) in order, in one atomic step; answers in the same
    /// order. A job whose `unique` an active (pending or running) job of the project holds is
    /// refused on its own, also when that one is earlier in the same call. With a
    /// `request` that was seen before: its answer again, and nothing is done.
    async fn push(
        &self,
        project: ProjectId,
        jobs: Vec<NewJob>,
        now: Millis,
        request: Option<&RequestKey>,
    ) -> Result<Vec<Pushed>>;

    /// Takes a pending job and applies `effect`, which enters running, has a `start` and no
    /// limit: a job that could not be taken would stand before all others for good.
    ///
    /// The order is: highest priority, then those that entered at the front, then lowest
    /// position. Passed over are jobs that are not `wanted`, those of spiders that run as many
    /// as they may, and those with more units than [`MAX_RUNNING_UNITS`] in all. The first one
    /// left is taken if the project's limits allow it; if not, no smaller job is taken in its
    /// stead. `None` when none is left or allowed; that answer is not kept for the
    /// `request`.
    async fn claim(
        &self,
        project: ProjectId,
        wanted: &Wanted,
        effect: &Effect,
        now: Millis,
        request: Option<&RequestKey>,
    ) -> Result<Option<Claimed>>;

    /// Applies changes (at most [`BATCH`], all of `project`) in order, in one atomic step;
    /// answers in the same order. With `all_or_nothing`, the changes are checked first
    /// and none is applied when any of them would be refused ([`Changed::Refused`],
    /// [`Changed::Stale`], [`Changed::NotHeld`], [`Changed::TooManyTags`],
    /// [`Changed::TooLarge`] or [`Changed::AtLimit`]); the others then answer what they would
    /// have done. `request` as in [`Store::push`].
    async fn change(
        &self,
        project: ProjectId,
        changes: Vec<Change>,
        all_or_nothing: bool,
        now: Millis,
        request: Option<&RequestKey>,
    ) -> Result<Vec<Changed>>;

    /// Jobs by key (at most [`BATCH`], of any projects), in the same order; `None` where there
    /// is no such job.
    async fn get(&self, keys: &[JobKey], fields: &Fields) -> Result<Vec<Option<Job>>>;

    /// Up to `limit` (at most [`BATCH`]) jobs that match, highest position first. Looks at a
    /// bounded number of jobs, so that it may answer few or none and still say where to
    /// go on. A job in the answer matched at the time of its reading.
    async fn page(
        &self,
        project: ProjectId,
        filter: &Filter,
        limit: usize,
        fields: &Fields,
    ) -> Result<Page>;

    /// How many jobs match.
    async fn count(&self, project: ProjectId, filter: &Filter) -> Result<u64>;

    /// Up to `limit` (at most [`BATCH`]) pending jobs of lowest position, lowest first.
    async fn oldest_pending(&self, project: ProjectId, limit: usize) -> Result<Vec<JobKey>>;

    /// Removes a deleted job and its metadata for good.
    async fn purge(&self, key: JobKey) -> Result<Purged>;

    /// Removes jobs in `state`, finished or deleted, for good: the lowest position first, up
    /// to `limit` (at most [`BATCH`]), as long as there are more than `keep` allows. How many
    /// went; fewer than `limit` when no more have to. One atomic step.
    async fn prune(
        &self,
        project: ProjectId,
        state: State,
        keep: &Keep,
        limit: usize,
    ) -> Result<usize>;

    /// The name of a spider; `None` when the number was never given.
    async fn spider_name(&self, project: ProjectId, spider: SpiderId)
    -> Result<Option<SpiderName>>;

    /// The number of a spider; when it has none, a new one if `create`.
    async fn spider_id(
        &self,
        project: ProjectId,
        name: &SpiderName,
        create: bool,
    ) -> Result<Option<SpiderId>>;

    /// Up to `limit` (at most [`BATCH`]) spiders with numbers above `after`, by number.
    async fn spiders(
        &self,
        project: ProjectId,
        after: Option<SpiderId>,
        limit: usize,
    ) -> Result<Vec<SpiderRecord>>;

    /// Changes the tags that jobs scheduled of a spider get; in one atomic step.
    async fn edit_spider_tags(
        &self,
        project: ProjectId,
        spider: SpiderId,
        edit: &TagEdit,
    ) -> Result<SpiderEdited>;

    /// Sets how many jobs of a spider may run at a time; `None`: as many as there are. Jobs
    /// that run stay. `false`, and nothing is done, when the number was never given.
    async fn limit_spider(
        &self,
        project: ProjectId,
        spider: SpiderId,
        max_running: Option<u32>,
    ) -> Result<bool>;

    /// Of each of `spiders` (at most [`BATCH`]) the finished job that finished last, in the
    /// same order; `None` where there is none.
    async fn last_finished(
        &self,
        project: ProjectId,
        spiders: &[SpiderId],
        fields: &Fields,
    ) -> Result<Vec<Option<Job>>>;

    /// Up to `limit` projects that exist, with numbers above `after`, by number.
    async fn projects(&self, after: Option<ProjectId>, limit: usize) -> Result<Vec<ProjectId>>;

    /// A project in numbers; all zero where it does not exist.
    async fn project_counts(&self, project: ProjectId) -> Result<ProjectCounts>;

    /// Up to `limit` running jobs, of any projects, whose lease or [`Effect::stop_by`] ends at
    /// or before `now`; of one project the soonest first. May name a job that has just
    /// changed. A record that cannot be read is named too.
    async fn due(&self, now: Millis, limit: usize) -> Result<Vec<JobKey>>;

    /// Keeps a job out of [`Store::due`] until `until`, its next start or heartbeat, whichever
    /// comes first: for one with which nothing can be done, so that it is not in the way of
    /// others.
    async fn postpone(&self, key: JobKey, until: Millis) -> Result<()>;

    /// Pulses of a project from now on, with changes made by whatever process.
    async fn pulses(&self, project: ProjectId) -> Result<Pulses>;

    /// Up to `limit` events of a project after the one with number `after`, oldest first;
    /// `None`: from now on. Events are kept from the first call for a project on until none
    /// came for a day, at most [`KEPT_EVENTS`] of them.
    async fn events(&self, project: ProjectId, after: Option<u64>, limit: usize) -> Result<Events>;

    /// Those settings of a project that are among `names`.
    async fn named_settings(&self, project: ProjectId, names: &[&str]) -> Result<Metadata>;

    /// All settings of a project.
    async fn settings(&self, project: ProjectId) -> Result<Metadata>;

    /// Changes a project's settings in one atomic step. `false`, and nothing is done, when a
    /// merge would make them more than [`Metadata::MAX_BYTES`] in all.
    async fn change_settings(&self, project: ProjectId, change: SettingsChange) -> Result<bool>;

    /// Keeps a key. One with the same digest is replaced.
    async fn put_key(&self, digest: &KeyDigest, key: ApiKeyRecord) -> Result<()>;

    /// Keeps a key if there is none at all; whether it did. Atomic over processes.
    async fn put_first_key(&self, digest: &KeyDigest, key: ApiKeyRecord) -> Result<bool>;

    /// The key with this digest.
    async fn find_key(&self, digest: &KeyDigest) -> Result<Option<ApiKeyRecord>>;

    /// All keys, oldest first; equal times by id.
    async fn list_keys(&self) -> Result<Vec<ApiKeyRecord>>;

    /// Removes the key with this id; whether there was one.
    async fn remove_key(&self, id: &str) -> Result<bool>;

    /// The secret of this installation: `candidate` if none is kept yet (it is then),
    /// else the one kept. The same in every process on the same store.
    async fn secret(&self, candidate: [u8; 32]) -> Result<[u8; 32]>;

    /// The store's own clock, which all its processes share; `None` where there is one
    /// process, whose clock is good enough.
    async fn clock(&self) -> Result<Option<Millis>>;

    /// Whether the store answers.
    async fn ping(&self) -> Result<()>;

    /// What an acknowledged write is worth.
    async fn durability(&self) -> Result<Durability>;

    /// Holds all records of `scope` against each other, tells of each that does not agree, and
    /// with `repair` mends it. May run beside other calls and tells of nothing that is just
    /// under way. Has no deadline in all, but its steps are short. `docs/fsck.md` says which record
    /// wins.
    async fn check(
        &self,
        scope: &Scope,
        repair: bool,
        tell: &mut (dyn FnMut(Told) + Send),
    ) -> Result<Checked>;
}
