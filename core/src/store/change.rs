//! What [`Store::change`](super::Store::change) takes and answers: the domain computes, for
//! each state that a job may be found in, what is to be done; a store only looks it up.

use super::Limit;
use crate::model::{
    Actor, Counters, Fence, FieldName, JobKey, Metadata, Millis, Priority, State, TagEdit, Units,
};

/// What to do with one job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The job.
    pub key: JobKey,
    /// Who may; checked after the job was found and before its state is.
    pub holder: Holder,
    /// What to do, by the [`State::index`] of the state it is found in.
    pub on: [Step; 4],
    /// What [`Step::Apply`] points at.
    pub effects: Vec<Effect>,
}

/// Who must hold the job for a change to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Nobody in particular.
    Anyone,
    /// The job runs with this fence, and its lease, if any, ends after `now`.
    Fence(Fence),
    /// The job runs in this attempt, and its lease, if any, ends after `now`.
    Attempt(u32),
    /// The job runs and was started by this one.
    StartedBy(Actor),
    /// The job runs in this attempt, and its lease has ended at `now`.
    Expired(u32),
    /// The job runs in this attempt, and its [`Effect::stop_by`] has passed at `now`.
    Overdue(u32),
}

/// What to do with a job found in some state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Refuse.
    Refuse,
    /// Succeed and do nothing.
    Keep,
    /// Apply the effect with this index.
    Apply(usize),
}

/// What changes in a job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// State to enter, with the actor of the entry. A job that enters pending, running …
    /// is found under that state from then on. Never the state it is in. An entry into an
    /// earlier state removes the entries into later ones.
    pub enter: Option<(State, Actor)>,
    /// Whether the entry into pending goes before all others of its priority; those that did
    /// earlier stay before it.
    pub front: bool,
    /// A new attempt: its number is the last one plus 1.
    pub start: Option<Start>,
    /// A new end of the lease.
    pub lease_expires: Option<Millis>,
    /// Until when a running job may stop by itself; a job that has one keeps it.
    pub stop_by: Option<Millis>,
    /// Whether to drop fence, lease and `stop_by`, and of a job that does not enter pending
    /// the unique key too. Comes before `start`.
    pub release: bool,
    /// Metadata to set.
    pub set: Metadata,
    /// Metadata to remove. No field is in both.
    pub remove: Vec<FieldName>,
    /// Change of tags.
    pub tags: TagEdit,
    /// New rank; a pending job keeps its position under it.
    pub priority: Option<Priority>,
    /// New weight.
    pub units: Option<Units>,
    /// Counters to set; unknown ones stay.
    pub counters: Counters,
    /// Most bytes ([`Metadata::bytes`]) that the job's metadata may have afterwards, where
    /// there is something to `set`.
    pub max_bytes: Option<usize>,
}

/// A new attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// Its fence.
    pub fence: Fence,
    /// When its lease runs out; `None`: never.
    pub lease_expires: Option<Millis>,
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// There is no such job.
    Missing,
    /// It is in this state, where the change is refused.
    Refused(State),
    /// [`Holder::Fence`], [`Holder::Attempt`], [`Holder::Expired`] or [`Holder::Overdue`] does
    /// not hold.
    Stale,
    /// [`Holder::StartedBy`] does not hold.
    NotHeld,
    /// It would have more tags than a job may.
    TooManyTags,
    /// It would have more metadata than [`Effect::max_bytes`]. Comes after `TooManyTags`.
    TooLarge,
    /// More would run after it than this allows. Comes last.
    AtLimit(Limit),
    /// It was in this state, where the change does nothing.
    Kept(State),
    /// Applied. Carries what callers answer with.
    Applied {
        /// State before.
        previous: State,
        /// Attempt after.
        attempt: u32,
        /// Whether the metadata field `stop_requested` is JSON `true` after the change.
        stop_requested: bool,
    },
}
