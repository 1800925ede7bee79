//! Runners.

use std::{collections::BTreeMap, sync::atomic::Ordering};

use async_trait::async_trait;
use spiderq_core::{
    error::{Error, Result},
    model::{Runner, RunnerId, RunnerStatus},
    store::RunnerStore,
};

use crate::{MemoryStore, lock};

pub(crate) type Runners = BTreeMap<RunnerId, (Runner, RunnerStatus)>;

#[async_trait]
impl RunnerStore for MemoryStore {
    async fn put_runner(&self, id: &RunnerId, runner: Runner, status: RunnerStatus) -> Result<()> {
        lock(&self.runners).insert(id.clone(), (runner, status));
        Ok(())
    }

    async fn set_runner_status(&self, id: &RunnerId, status: RunnerStatus) -> Result<bool> {
        let mut runners = lock(&self.runners);
        let found = runners.get_mut(id);
        Ok(found.map(|(_, before)| *before = status).is_some())
    }

    async fn runner_statuses(&self) -> Result<Vec<(RunnerId, RunnerStatus)>> {
        self.runner_looks.fetch_add(1, Ordering::Relaxed);
        if self.runners_are_away.load(Ordering::Relaxed) {
            return Err(Error::unavailable("the runners are away"));
        }
        let runners = lock(&self.runners);
        Ok(runners.iter().map(|(id, (_, status))| (id.clone(), *status)).collect())
    }

    async fn runners(&self, ids: &[RunnerId]) -> Result<Vec<Option<Runner>>> {
        let runners = lock(&self.runners);
        Ok(ids.iter().map(|id| runners.get(id).map(|(runner, _)| runner.clone())).collect())
    }

    async fn remove_runners(&self, ids: &[RunnerId]) -> Result<()> {
        let mut runners = lock(&self.runners);
        ids.iter().for_each(|id| drop(runners.remove(id)));
        Ok(())
    }
}
