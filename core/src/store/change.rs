//! What [`Store::change`](super::Store::change) takes and returns. The domain computes what to
//! do in each state that the job may be found in; a store only looks it up.

use super::RunningLimit;
use crate::model::{
    Actor, Counters, Fence, FieldName, JobKey, Metadata, Millis, Priority, State, TagChanges, Units,
};

/// What to do with one job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which job.
    pub key: JobKey,
    /// Who must hold the job; checked after the job was found and before its state is.
    pub holder: Holder,
    /// Its last write ([`Job::updated`](crate::model::Job::updated)) must be of this time; checked
    /// after the holder. `None`: no condition.
    pub unchanged_since: Option<Millis>,
    /// What to do, by the [`State::index`] of the state it is found in.
    pub on: [Step; 4],
    /// What [`Step::Apply`] names by index.
    pub effects: Vec<Effect>,
}

/// Who must hold the job for a change to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Nobody in particular: the change is always allowed.
    Anyone,
    /// The job runs with this fence, and its lease, if any, ends after `now`.
    Fence(Fence),
    /// The job runs in this attempt, and its lease, if any, ends after `now`.
    Attempt(u32),
    /// The job runs and was started by this actor.
    StartedBy(Actor),
    /// The job runs in this attempt, and its lease has ended at `now`.
    Expired(u32),
    /// The job runs in this attempt, and its [`Effect::stop_by`](crate::store::Effect::stop_by) has
    /// passed at `now`.
    Overdue(u32),
}

/// What to do with a job that is found in a certain state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Refuse the change: [`Changed::Refused`].
    Refuse,
    /// Succeed and do nothing: [`Changed::Kept`].
    Keep,
    /// Apply the effect with this index in [`Change::effects`].
    Apply(usize),
    /// The same, by whether the job was finished before.
    Restore {
        /// Index of the effect for a job that has an entry into finished.
        ended: usize,
        /// Index of the effect for one that has none.
        never_ended: usize,
    },
}

/// What changes in a job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// State to enter, with the actor of the entry. Never the state that the job is in. An entry
    /// into an earlier state removes the entries into later ones.
    pub enter: Option<(State, Actor)>,
    /// Whether a job that enters finished and was there before goes back to that entry, with its
    /// position and its actor, instead of a new one.
    pub restore: bool,
    /// Whether a job that enters pending goes before all others of its priority, except those
    /// that went there before.
    pub front: bool,
    /// Begins an attempt, whose number is the last one plus 1.
    pub start: Option<NewAttempt>,
    /// When the lease ends from now on. A change of a time before that of the job's last write
    /// ([`Job::updated`](crate::model::Job::updated)) came late, and only makes a lease longer.
    pub lease_expires: Option<Millis>,
    /// Until when a running job may take to stop; a job that has such a time keeps it.
    pub stop_by: Option<Millis>,
    /// Whether to drop fence, lease and `stop_by`, and of a job that does not enter pending
    /// the unique key too. Comes before `start`.
    pub release: bool,
    /// Metadata to set.
    pub set: Metadata,
    /// Metadata to remove. No field is in both.
    pub remove: Vec<FieldName>,
    /// Change of tags; does nothing by default.
    pub tags: TagChanges,
    /// New priority; a pending job keeps its position under it.
    pub priority: Option<Priority>,
    /// New units.
    pub units: Option<Units>,
    /// Counters to set; unknown ones stay.
    pub counters: Counters,
    /// How many bytes ([`Metadata::bytes`]) the job's metadata may have afterwards, if there is
    /// something to `set`; `None`: no limit.
    pub max_bytes: Option<usize>,
}

impl Effect {
    /// Whether a store must know all metadata of the job to apply this.
    #[must_use]
    pub fn touches_metadata(&self) -> bool {
        !self.set.is_empty() || !self.remove.is_empty()
    }
}

/// An attempt that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAttempt {
    /// The secret of the attempt.
    pub fence: Fence,
    /// When its lease ends; `None`: never.
    pub lease_expires: Option<Millis>,
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// There is no such job.
    Missing,
    /// The job is in this state, where the change is refused.
    Refused(State),
    /// [`Holder::Fence`], [`Holder::Attempt`], [`Holder::Expired`] or [`Holder::Overdue`] does
    /// not hold.
    Stale,
    /// [`Holder::StartedBy`] does not hold.
    NotHeld,
    /// [`Change::unchanged_since`] does not hold.
    WrittenSince,
    /// It would have more tags than a job may.
    TooManyTags,
    /// It would have more metadata than [`Effect::max_bytes`]. Checked after the tags.
    TooLarge,
    /// More would run after it than this limit allows. Checked last.
    AtLimit(RunningLimit),
    /// The job was in this state, where the change does nothing.
    Kept(State),
    /// The change was made. Carries what callers return.
    Applied {
        /// State before the change.
        previous: State,
        /// Number of the latest attempt after the change.
        attempt: u32,
        /// Whether the metadata field `stop_requested` is JSON `true` after the change.
        stop_requested: bool,
        /// When the job was written: [`Job::updated`](crate::model::Job::updated) after the change.
        written: Millis,
    },
}

impl Changed {
    /// When the job was written, if it was.
    #[must_use]
    pub const fn written(&self) -> Option<Millis> {
        if let Self::Applied { written, .. } = self { Some(*written) } else { None }
    }

    /// Whether it undoes a call that asked for all or nothing.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        match self {
            Self::Refused(_)
            | Self::Stale
            | Self::NotHeld
            | Self::WrittenSince
            | Self::TooManyTags
            | Self::TooLarge
            | Self::AtLimit(_) => true,
            Self::Missing | Self::Kept(_) | Self::Applied { .. } => false,
        }
    }
}
