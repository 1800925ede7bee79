//! What a server does to a store without being asked: leases that end, retention, checks,
//! and questions about the store's own health.

use std::fmt;

use async_trait::async_trait;

use super::{CheckProgress, CheckScope, CheckSummary};
use crate::{
    error::Result,
    model::{JobKey, Millis, Position, ProjectId, State},
};

/// What a store does with an acknowledged write when it is killed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Durability {
    /// Whether an acknowledged write survives `kill -9` and loss of power.
    pub safe: bool,
    /// The settings found and what can be lost, in one line.
    pub report: String,
}

/// How much of a state to keep. What is `None` bounds nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Jobs that entered the state at this place or later.
    pub from: Option<Position>,
    /// At most so many jobs.
    pub jobs: Option<u64>,
    /// Jobs with at most so many bytes of metadata ([`Metadata::bytes`]) in all.
    ///
    /// [`Metadata::bytes`]: crate::model::Metadata::bytes
    pub bytes: Option<u64>,
}

/// Finds what is due, removes what is old, and tells how the store is.
#[async_trait]
pub trait UpkeepStore: Send + Sync + fmt::Debug {
    /// Up to `limit` running jobs, of any projects, whose lease or [`Effect::stop_by`] ends at
    /// or before `now`; of one project the soonest first. May name a job that has just
    /// changed. A record that cannot be read is named too.
    async fn due(&self, now: Millis, limit: usize) -> Result<Vec<JobKey>>;

    /// Keeps a job out of [`Store::due`] until `until`, its next start or heartbeat, whichever
    /// comes first: for one with which nothing can be done, so that it is not in the way of
    /// others.
    async fn postpone(&self, key: JobKey, until: Millis) -> Result<()>;

    /// Removes jobs in `state`, finished or deleted, for good: the lowest position first, up
    /// to `limit` (at most [`MAX_BATCH`]), as long as there are more than `keep` allows. How many
    /// went; fewer than `limit` when no more have to. One atomic step.
    async fn prune(
        &self,
        project: ProjectId,
        state: State,
        keep: &Retention,
        limit: usize,
    ) -> Result<usize>;

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
        scope: &CheckScope,
        repair: bool,
        tell: &mut (dyn FnMut(CheckProgress) + Send),
    ) -> Result<CheckSummary>;
}
