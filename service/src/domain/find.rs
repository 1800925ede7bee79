//! Reading jobs: one, some by key, counts (CONTRACT 3, list; 4, count; 5, GET).

use super::{Domain, check_items};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    model::{FieldSelection, Filter, Job, JobKey, ProjectId, Role},
    store::MAX_BATCH,
};

impl Domain {
    /// One job with all its metadata.
    pub async fn job(&self, caller: &Caller, key: JobKey) -> Result<Job> {
        caller.may_read(key)?;
        let found = self.store.get(&[key], &FieldSelection::Full).await?;
        let job = found.into_iter().flatten().next();
        job.ok_or_else(|| Error::NotFound(format!("there is no job {key}")))
    }

    /// How many jobs match; with `keys`, of just those.
    pub async fn count(
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
        let jobs = self.by_keys(project, filter, keys, &FieldSelection::Row).await?;
        Ok(jobs.len() as u64)
    }

    /// Those of `keys` that match, in their order.
    pub(super) async fn by_keys(
        &self,
        project: ProjectId,
        filter: &Filter,
        keys: &[JobKey],
        fields: &FieldSelection,
    ) -> Result<Vec<Job>> {
        check_items("keys", keys.len())?;
        super::check_project(project, keys)?;
        let mut jobs = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(MAX_BATCH) {
            let found = self.store.get(chunk, fields).await?;
            jobs.extend(found.into_iter().flatten().filter(|job| filter.matches(job)));
        }
        Ok(jobs)
    }
}
