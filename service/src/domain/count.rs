//! Counting jobs (`docs/contract.md`, 4, count).

use super::Domain;
use crate::auth::Caller;
use spiderq_core::{
    error::Result,
    model::{FieldSelection, Filter, JobKey, ProjectId, Role},
};

impl Domain {
    /// How many jobs match `filter`; with `keys`, how many of those.
    pub async fn count_jobs(
        &self,
        caller: &Caller,
        project: ProjectId,
        filter: &Filter,
        keys: &[JobKey],
    ) -> Result<u64> {
        caller.may(Role::Read, project)?;
        if keys.is_empty() {
            return self.store.count(project, filter).await;
        }
        let jobs = self.get_jobs(project, filter, keys, &FieldSelection::Row).await?;
        Ok(jobs.len() as u64)
    }
}

#[cfg(test)]
mod tests;
