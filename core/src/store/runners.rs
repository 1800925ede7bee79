//! Runners of the whole installation, and how they are.

use std::fmt;

use async_trait::async_trait;

use crate::{
    error::Result,
    model::{Runner, RunnerId, RunnerStatus},
};

/// Keeps runners.
#[async_trait]
pub trait RunnerStore: Send + Sync + fmt::Debug {
    /// Keeps a runner and how it is, in place of what was kept under its id.
    async fn put_runner(&self, id: &RunnerId, runner: Runner, status: RunnerStatus) -> Result<()>;

    /// Sets how a runner is; `false`, and nothing is done, where there is no runner of this id.
    async fn set_runner_status(&self, id: &RunnerId, status: RunnerStatus) -> Result<bool>;

    /// All runners, by id, and how they are. It reads nothing else of them.
    async fn runner_statuses(&self) -> Result<Vec<(RunnerId, RunnerStatus)>>;

    /// These runners, in the same order; `None` where there is none.
    async fn runners(&self, ids: &[RunnerId]) -> Result<Vec<Option<Runner>>>;

    /// Removes runners.
    async fn remove_runners(&self, ids: &[RunnerId]) -> Result<()>;
}
