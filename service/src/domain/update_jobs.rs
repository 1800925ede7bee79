//! Changing tags and fields of several jobs, or of all jobs of a spider (`docs/contract.md`, 3,
//! update).

use super::{
    Domain, JobList, ListQuery, check_items, check_project, reserved_fields::ReservedFields,
    transition::towards,
};
use crate::auth::Caller;
use spiderq_core::{
    error::Result,
    model::{Filter, JobKey, Metadata, ProjectId, Role, SpiderName, StateSet, TagChanges},
};

/// What to change in which jobs.
#[derive(Debug)]
pub struct UpdateJobs {
    /// Of which project.
    pub project: ProjectId,
    /// In these jobs …
    pub keys: Vec<JobKey>,
    /// … or, without keys, in every job of this spider that is not deleted.
    pub spider: Option<SpiderName>,
    /// They come in place of `tags` in the metadata.
    pub tags: TagChanges,
    /// Fields to set.
    pub metadata: Metadata,
}

impl Domain {
    /// Makes the update; returns how many jobs there are. A job that would get too many tags or
    /// too much metadata refuses its whole step of up to
    /// [`MAX_BATCH`](spiderq_core::limits::MAX_BATCH) jobs.
    pub async fn update_jobs(&self, caller: &Caller, update: UpdateJobs) -> Result<u64> {
        let UpdateJobs { project, keys, spider, tags, metadata } = update;
        caller.may(Role::User, project)?;
        let mut effect = ReservedFields::split(metadata)?.effect();
        if !tags.is_empty() {
            effect.tags = tags;
        }
        let steps = towards(None, effect, caller.actor())?;
        let Some(spider) = spider.filter(|_| keys.is_empty()) else {
            check_items("keys", keys.len())?;
            check_project(project, &keys)?;
            return self.change_all(project, &keys, &steps, None).await;
        };
        let mut jobs = self.list_spider_jobs(project, spider, StateSet::NOT_DELETED).await?;
        let mut count = 0;
        loop {
            let keys = jobs.next_keys().await?;
            if keys.is_empty() {
                return Ok(count);
            }
            count += self.change_all(project, &keys, &steps, None).await?;
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

#[cfg(test)]
mod tests;
