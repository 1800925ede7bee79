//! Changing tags and fields of several jobs, named by their keys or found by a filter
//! (`docs/contract.md`, 3, update).

use super::{
    Domain, JobList, ListQuery, check_keys, reserved_fields::ReservedFields, transition::towards,
};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    model::{Filter, JobKey, Metadata, ProjectId, Role, SpiderName, StateSet, TagChanges},
    store::Holder,
};

/// What to change in which jobs.
#[derive(Debug)]
pub struct UpdateJobs {
    /// Of which project.
    pub project: ProjectId,
    /// In these jobs; without keys, in all that match the filter.
    pub keys: Vec<JobKey>,
    /// Only in jobs that match it.
    pub filter: Option<Filter>,
    /// They come in place of `tags` in the metadata.
    pub tags: TagChanges,
    /// Fields to set.
    pub metadata: Metadata,
}

impl UpdateJobs {
    /// Who must hold the jobs. The bearer of a job's token may name that job, and no other.
    fn holder(&self, caller: &Caller) -> Result<Holder> {
        if let (Caller::Job { .. }, [key], None) = (caller, &self.keys[..], &self.filter) {
            return caller.may_write(*key, None);
        }
        caller.may(Role::User, self.project)?;
        Ok(Holder::Anyone)
    }
}

impl Domain {
    /// Makes the update; returns how many jobs there are. A job that would get too many tags or
    /// too much metadata refuses its whole step of up to
    /// [`MAX_BATCH`](spiderq_core::limits::MAX_BATCH) jobs.
    pub async fn update_jobs(&self, caller: &Caller, update: UpdateJobs) -> Result<u64> {
        let holder = update.holder(caller)?;
        let UpdateJobs { project, keys, filter, tags, metadata } = update;
        if filter.is_none() {
            check_some_jobs(project, &keys)?;
        }
        if tags.is_empty() && metadata.is_empty() {
            return Err(Error::invalid("metadata", "is required, or tags"));
        }
        let mut effect = ReservedFields::split(metadata)?.effect();
        if !tags.is_empty() {
            effect.tags = tags;
        }
        let steps = towards(None, effect, caller.actor())?;
        let Some(filter) = filter else {
            return self.change_all(project, &keys, &holder, &steps, None).await;
        };
        // Pages go by position, which an update does not move: each job comes once, also where
        // the update changes whether it matches.
        let mut jobs = self.list(ListQuery { keys, ..ListQuery::new(project, filter) }).await?;
        let mut count = 0;
        loop {
            let keys = jobs.next_keys().await?;
            if keys.is_empty() {
                return Ok(count);
            }
            count += self.change_all(project, &keys, &holder, &steps, None).await?;
        }
    }

    /// The jobs of a spider, from the latest: a job that enters a state meanwhile gets a later
    /// position, which the list has passed.
    pub(super) async fn list_spider_jobs(
        &self,
        project: ProjectId,
        spider: SpiderName,
        states: StateSet,
    ) -> Result<JobList> {
        let filter = Filter { states, spiders: vec![spider], ..Filter::default() };
        self.list(ListQuery::new(project, filter)).await
    }
}

/// An update of no job in particular would be one of all jobs.
fn check_some_jobs(project: ProjectId, keys: &[JobKey]) -> Result<()> {
    if keys.is_empty() {
        return Err(Error::invalid("filter", "is required, or keys"));
    }
    check_keys(project, keys)
}

#[cfg(test)]
mod tests;
