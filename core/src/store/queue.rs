//! The queue of a project: adding jobs, claiming them, and hearing of changes.

use std::fmt;

use async_trait::async_trait;

use super::{Effect, Events, Limit, Notifications, RequestDigest, Start};
use crate::{
    error::Result,
    model::{
        Actor, ClaimFilter, Counters, Fence, Job, JobKey, Metadata, Millis, Priority, ProjectId,
        SpiderName, State, Tags, UniqueKey, Units,
    },
};

/// What [`Store::claim`] took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// After the claim, with all its metadata.
    pub job: Job,
    /// The fence of its attempt: the caller's, or on a repeated request the first call's.
    pub fence: Fence,
}

/// A job to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// Its spider; gets a number if it has none.
    pub spider: SpiderName,
    /// The state it begins in.
    pub state: State,
    /// Whether it also gets an entry into pending, at the same place by the same actor: it
    /// was scheduled, and begins further on. Otherwise its state's entry is the only one.
    pub scheduled: bool,
    /// Who adds it: actor of that entry.
    pub actor: Actor,
    /// Its rank.
    pub priority: Priority,
    /// Its weight.
    pub units: Units,
    /// Its tags.
    pub tags: Tags,
    /// Held while the job is pending or running; never held by a job that begins in a
    /// later state.
    pub unique: Option<UniqueKey>,
    /// What is known of its counters.
    pub counters: Counters,
    /// Its metadata.
    pub metadata: Metadata,
    /// For a job that begins running: its attempt then is 1, else 0.
    pub start: Option<Start>,
}

/// What became of a job to add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It has this key.
    Added(JobKey),
    /// An active job holds its unique key; nothing was added and no number was taken, not
    /// even for the spider.
    Duplicate,
    /// It would begin running, and that is more than this allows; nothing was done either.
    AtLimit(Limit),
}

/// Adds jobs, hands them to workers, and tells of changes.
#[async_trait]
pub trait QueueStore: Send + Sync + fmt::Debug {
    /// Adds jobs (at most [`MAX_BATCH`]) in order, in one atomic step; answers in the same
    /// order. A job whose `unique` an active (pending or running) job of the project holds is
    /// refused on its own, also when that one is earlier in the same call. With a
    /// `request` that was seen before: its answer again, and nothing is done.
    async fn push(
        &self,
        project: ProjectId,
        jobs: Vec<NewJob>,
        now: Millis,
        request: Option<&RequestDigest>,
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
        wanted: &ClaimFilter,
        effect: &Effect,
        now: Millis,
        request: Option<&RequestDigest>,
    ) -> Result<Option<Claimed>>;

    /// Up to `limit` (at most [`MAX_BATCH`]) pending jobs of lowest position, lowest first.
    async fn oldest_pending(&self, project: ProjectId, limit: usize) -> Result<Vec<JobKey>>;

    /// Notifications of a project from now on, with changes made by whatever process.
    async fn subscribe(&self, project: ProjectId) -> Result<Notifications>;

    /// Up to `limit` events of a project after the one with number `after`, oldest first;
    /// `None`: from now on. Events are kept from the first call for a project on until none
    /// came for a day, at most [`MAX_EVENTS`] of them.
    async fn events(&self, project: ProjectId, after: Option<u64>, limit: usize) -> Result<Events>;
}
