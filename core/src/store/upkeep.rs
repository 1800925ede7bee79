//! Upkeep: jobs whose lease has ended, retention, checks, and the store's own health.

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
    /// Whether an acknowledged write survives `kill -9` and a loss of power.
    pub safe: bool,
    /// The store's settings and what can be lost, in one line.
    pub report: String,
}

/// Which jobs of a state to keep; `None` is no bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Those that entered the state at this position or later.
    pub from: Option<Position>,
    /// At most this many, the latest.
    pub jobs: Option<u64>,
    /// At most this many bytes of metadata ([`Metadata::bytes`]) in all, of the latest.
    ///
    /// [`Metadata::bytes`]: crate::model::Metadata::bytes
    pub bytes: Option<u64>,
}

/// What a step of retention has removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// How many jobs.
    pub count: usize,
    /// Which ones, the lowest position first; without those whose record did not tell.
    pub keys: Vec<JobKey>,
}

/// Finds jobs that are due, removes old ones, and reports how the store is.
#[async_trait]
pub trait UpkeepStore: Send + Sync + fmt::Debug {
    /// Up to `limit` running jobs, of any projects, whose lease or
    /// [`Effect::stop_by`](crate::store::Effect::stop_by) ends at or before `now`; of one project
    /// the soonest first. May name a job that has just changed, and one whose record can't be read.
    async fn due(&self, now: Millis, limit: usize) -> Result<Vec<JobKey>>;

    /// Keeps a job out of [`Store::due`](crate::store::UpkeepStore::due) until `until`, or its next
    /// start or heartbeat if that is sooner: for one that can't be handled, so that it does not
    /// block others.
    async fn postpone(&self, key: JobKey, until: Millis) -> Result<()>;

    /// Removes jobs in `state`, finished or deleted, for good: the lowest position first, up
    /// to `limit` (at most [`MAX_BATCH`](crate::limits::MAX_BATCH)), as long as there are more than
    /// `retention` keeps. What was removed, each with an event; fewer than `limit` when no more
    /// have to be. One atomic step.
    async fn prune(
        &self,
        project: ProjectId,
        state: State,
        retention: &Retention,
        limit: usize,
    ) -> Result<Pruned>;

    /// Keeps that a reaper, of any process, has done a round at `now`, and so could have heard
    /// heartbeats until then. A crash of the machine may lose the last seconds of it.
    async fn keep_round(&self, now: Millis) -> Result<()>;

    /// The time that was kept last; `None` when none ever was.
    async fn last_round(&self) -> Result<Option<Millis>>;

    /// The store's own clock, which all processes on it share; `None` for a store of one process,
    /// whose own clock will do.
    async fn clock(&self) -> Result<Option<Millis>>;

    /// An error when the store does not answer.
    async fn ping(&self) -> Result<()>;

    /// Whether acknowledged writes survive a crash, as the store is configured now.
    async fn durability(&self) -> Result<Durability>;

    /// Compares all records of `scope` with each other, reports each that does not agree, and with
    /// `repair` mends it. May run beside other calls, whose unfinished work it does not report.
    /// It has no timeout in all, but its steps are short. `docs/fsck.md` says which record wins.
    async fn check(
        &self,
        scope: &CheckScope,
        repair: bool,
        report: &mut (dyn FnMut(CheckProgress) + Send),
    ) -> Result<CheckSummary>;
}
