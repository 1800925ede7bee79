//! Reading jobs by key (`docs/contract.md`, 5, GET).

use super::{Domain, change_outcome::no_job, check_keys};
use crate::auth::Caller;
use spiderq_core::{
    error::Result,
    limits::MAX_BATCH,
    model::{FieldSelection, Filter, Job, JobKey, ProjectId},
};

impl Domain {
    /// One job with all its metadata.
    pub async fn get_job(&self, caller: &Caller, key: JobKey) -> Result<Job> {
        caller.may_read(key)?;
        self.job_of(key, &FieldSelection::Full).await?.ok_or_else(|| no_job(key))
    }

    /// The job; `None` where there is no such job. Asks nobody for permission.
    pub(super) async fn job_of(&self, key: JobKey, fields: &FieldSelection) -> Result<Option<Job>> {
        Ok(self.store.get(&[key], fields).await?.into_iter().flatten().next())
    }

    /// The jobs of `keys` that match `filter`, in the order of the keys.
    pub(super) async fn get_jobs(
        &self,
        project: ProjectId,
        filter: &Filter,
        keys: &[JobKey],
        fields: &FieldSelection,
    ) -> Result<Vec<Job>> {
        check_keys(project, keys)?;
        let mut jobs = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(MAX_BATCH) {
            let found = self.store.get(chunk, &filter.fields_read(fields)).await?;
            jobs.extend(found.into_iter().flatten().filter(|job| filter.matches(job)));
        }
        for job in &mut jobs {
            job.metadata.retain(|name| fields.includes(name));
        }
        Ok(jobs)
    }
}

#[cfg(test)]
mod tests;
