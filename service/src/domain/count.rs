//! Counting jobs (`docs/contract.md`, 4, count).

use super::{Domain, JobSelection};
use crate::auth::Caller;
use spiderq_core::{
    error::Result,
    model::{Filter, JobKey, ProjectId, Role},
};

impl Domain {
    /// How many of the selected jobs there are.
    pub async fn count_jobs(&self, caller: &Caller, jobs: &JobSelection) -> Result<u64> {
        let project = jobs.project;
        caller.may(Role::Read, project)?;
        let filter = self.with_spiders(project, jobs.filter.clone(), &jobs.spiders).await?;
        self.count(project, &filter, &jobs.keys).await
    }

    /// How many jobs match, of these keys or, without any, of all. Asks nobody for permission.
    pub(super) async fn count(
        &self,
        project: ProjectId,
        filter: &Filter,
        keys: &[JobKey],
    ) -> Result<u64> {
        if keys.is_empty() {
            return self.store.count(project, filter).await;
        }
        let mut count = 0;
        self.look_at(project, filter, keys, |_| count += 1).await?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
