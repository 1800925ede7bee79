//! Reading jobs by key (`docs/contract.md`, 5, GET).

use super::{Domain, change_outcome::no_job, check_keys};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
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

    /// Shows `look` the jobs of `keys` that match `filter`, in the order of the keys, with the
    /// metadata that the filter needs. Few of them are in memory at a time.
    pub(super) async fn look_at(
        &self,
        project: ProjectId,
        filter: &Filter,
        keys: &[JobKey],
        mut look: impl FnMut(&Job) + Send,
    ) -> Result<()> {
        check_keys(project, keys)?;
        let fields = filter.fields_read(&FieldSelection::Row);
        let mut left = keys;
        while !left.is_empty() {
            let found = self.store.get_first(&left[..left.len().min(MAX_BATCH)], &fields).await?;
            left = after(left, found.len())?;
            found.iter().flatten().filter(|job| filter.matches(job)).for_each(&mut look);
        }
        Ok(())
    }
}

/// The keys after the first `read` ones, of which there must be some.
fn after(keys: &[JobKey], read: usize) -> Result<&[JobKey]> {
    keys.get(read..).filter(|_| read > 0).ok_or_else(|| Error::bug("a store read no job of some"))
}

#[cfg(test)]
mod tests;
