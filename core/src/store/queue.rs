//! The queue of a project: adding jobs, claiming them, and being notified of changes.

use std::fmt;

use async_trait::async_trait;

use super::{Effect, EventCursor, Events, NewAttempt, Notifications, RequestDigest, RunningLimit};
use crate::{
    error::Result,
    model::{
        Actor, ClaimFilter, Counters, Fence, Job, JobKey, Metadata, Millis, Position, Priority,
        ProjectId, SpiderName, State, Tags, UniqueKey, Units,
    },
};

/// What [`Store::claim`](crate::store::QueueStore::claim) took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// As it is after the claim, with all its metadata.
    pub job: Job,
    /// What is kept of the fence of its attempt: that of the effect, or under a repeated request id
    /// that of the first call.
    pub fence: Fence,
}

/// A job to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// A spider without a number gets one.
    pub spider: SpiderName,
    /// The state it begins in.
    pub state: State,
    /// Whether a job that begins in a later state also gets an entry into pending, at the same
    /// position by the same actor. Otherwise the entry into its state is its only one.
    pub scheduled: bool,
    /// Who adds it: the actor of its entries.
    pub actor: Actor,
    /// Pending jobs of higher priority are started first.
    pub priority: Priority,
    /// How much of a worker it takes.
    pub units: Units,
    /// In this order, after those of the spider.
    pub tags: Tags,
    /// Whether it also gets the tags that its spider has at that moment; they come before
    /// [`NewJob::tags`].
    pub spider_tags: bool,
    /// Held while the job is pending or running; never held by a job that begins in a
    /// later state.
    pub unique: Option<UniqueKey>,
    /// Unknown ones stay unknown.
    pub counters: Counters,
    /// The domain has checked its size.
    pub metadata: Metadata,
    /// The first attempt of a job that begins running; without it the attempt is 0.
    pub start: Option<NewAttempt>,
}

/// What became of a job to add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It was added under this key.
    Added(JobKey),
    /// This active job holds its unique key; nothing was added and no number was taken, not
    /// even for the spider.
    Duplicate(JobKey),
    /// With those of its spider it would have more tags than a job may; nothing was done.
    TooManyTags,
    /// It would begin running, and this limit does not allow it; nothing was done either.
    AtLimit(RunningLimit),
}

/// How a job was added: what makes the job of its [`NewJob`], see
/// [`StoredJob::added`](crate::effect::StoredJob::added).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// Its key.
    pub key: JobKey,
    /// The position of its entry.
    pub position: Position,
    /// When it was added.
    pub time: Millis,
    /// Its tags, with those that it has of its spider.
    pub tags: Tags,
}

/// What became of a job to add: how it was, or why not.
pub type AddOutcome = std::result::Result<Added, Pushed>;

impl Pushed {
    /// The outcome without what the caller of a push does not need.
    #[must_use]
    pub fn of(outcome: AddOutcome) -> Self {
        outcome.map_or_else(|refusal| refusal, |added| Self::Added(added.key))
    }

    /// Whether nothing was done.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        match self {
            Self::Duplicate(_) | Self::TooManyTags | Self::AtLimit(_) => true,
            Self::Added(_) => false,
        }
    }
}

/// Adds jobs, hands them to workers, and notifies of changes.
#[async_trait]
pub trait QueueStore: Send + Sync + fmt::Debug {
    /// Adds jobs (at most [`MAX_BATCH`](crate::limits::MAX_BATCH)) in order, in one atomic step;
    /// returns the outcomes in the same order. A job whose `unique` an active (pending or running)
    /// job of the project holds is refused on its own, also when that one is earlier in the same
    /// call. What was added under a `request_id` that comes again gets the same answer, and is not
    /// added again; what was refused is judged anew. No refusal is [`Pushed::Added`].
    async fn add(
        &self,
        project: ProjectId,
        jobs: Vec<NewJob>,
        now: Millis,
        request_id: Option<&RequestDigest>,
    ) -> Result<Vec<AddOutcome>>;

    /// The same, answering no more than the keys.
    async fn push(
        &self,
        project: ProjectId,
        jobs: Vec<NewJob>,
        now: Millis,
        request_id: Option<&RequestDigest>,
    ) -> Result<Vec<Pushed>> {
        let outcomes = self.add(project, jobs, now, request_id).await?;
        Ok(outcomes.into_iter().map(Pushed::of).collect())
    }

    /// Takes a pending job and applies `effect`, which enters running, has a `start` and no
    /// limit on metadata: a job that could not be taken would block all others for good.
    ///
    /// The order is: highest priority, then those that entered at the front, then lowest
    /// position. Skipped are jobs that `filter` does not select, jobs of spiders that run as many
    /// as they may, and jobs with more units than the whole of
    /// [`MAX_RUNNING_UNITS`](crate::store::MAX_RUNNING_UNITS). The first one left is taken if the
    /// project's limits allow it; if not, no smaller job is taken in its stead. `None` when none is
    /// left or allowed; that answer is not kept for the `request_id`. Under a request id that took
    /// a job before, the answer is that job as it is now, or [`Stale`](crate::error::Error::Stale)
    /// once its attempt is over: nobody may run it on the strength of the first answer.
    async fn claim(
        &self,
        project: ProjectId,
        filter: &ClaimFilter,
        effect: &Effect,
        now: Millis,
        request_id: Option<&RequestDigest>,
    ) -> Result<Option<Claimed>>;

    /// Up to `limit` (at most [`MAX_BATCH`](crate::limits::MAX_BATCH)) pending jobs of lowest
    /// position, lowest first.
    async fn oldest_pending(&self, project: ProjectId, limit: usize) -> Result<Vec<JobKey>>;

    /// Notifications of a project from now on, of changes made by any process.
    async fn subscribe(&self, project: ProjectId) -> Result<Notifications>;

    /// Notifications of a project from now on, of output that any process appends to its jobs.
    async fn subscribe_output(&self, project: ProjectId) -> Result<Notifications>;

    /// Notifies of output of the project's jobs those who have subscribed to it, in all processes.
    /// What it is, the store never learns. An error means that some may not hear of it.
    async fn notify_output(&self, project: ProjectId) -> Result<()>;

    /// Up to `limit` events of a project after the one at `after`, oldest first; `None`: from now
    /// on. Fewer than `limit`: there are no others yet. A reader may go on after any event that is
    /// kept, and no other. Events are kept from the first call for a project on until no call came
    /// for [`EVENTS_TTL`](crate::limits::EVENTS_TTL), at most
    /// [`MAX_EVENTS`](crate::limits::MAX_EVENTS) of them.
    async fn events(
        &self,
        project: ProjectId,
        after: Option<EventCursor>,
        limit: usize,
    ) -> Result<Events>;
}
