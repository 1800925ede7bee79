//! Changing tags and fields of several jobs, named by their keys or found by a filter
//! (`docs/contract.md`, 3, update).

use super::{
    BulkDone, BulkQuery, Domain, JobList, ListQuery, bulk::BulkJobs, execution_fields::Write,
    reserved_fields::ReservedFields, transition::towards,
};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    model::{Filter, Metadata, ProjectId, Role, SpiderName, StateSet, TagChanges},
    store::Holder,
};

/// What to change in which jobs.
#[derive(Debug)]
pub struct UpdateJobs {
    /// In these jobs.
    pub query: BulkQuery,
    /// They are made after `tags` of the metadata is set.
    pub tags: TagChanges,
    /// Fields to set.
    pub metadata: Metadata,
}

impl UpdateJobs {
    /// Who must hold the jobs. The bearer of a job's token may name that job, and no other.
    fn holder(&self, caller: &Caller) -> Result<Holder> {
        let jobs = &self.query.jobs;
        if let (Caller::Job { .. }, [key], false) = (caller, &jobs.keys[..], jobs.has_conditions) {
            return caller.may_write(*key, None);
        }
        caller.may(Role::User, jobs.project)?;
        Ok(Holder::Anyone)
    }
}

impl Domain {
    /// Makes the update; counts the jobs that there are. A job that would get too many tags or
    /// too much metadata refuses its whole step of up to
    /// [`MAX_BATCH`](spiderq_core::limits::MAX_BATCH) jobs.
    pub async fn update_jobs(&self, caller: &Caller, update: UpdateJobs) -> Result<BulkDone> {
        let holder = update.holder(caller)?;
        let UpdateJobs { query, tags, metadata } = update;
        let project = query.jobs.project;
        if tags.is_empty() && metadata.is_empty() {
            return Err(
                Error::invalid("metadata", "is required, or changes of tags").at("metadata_json")
            );
        }
        let mut fields = ReservedFields::split(metadata)?;
        // Whoever may change other jobs than its own may schedule too.
        if let [key] = query.jobs.keys[..] {
            let write = Write { key, by_fence: false, fields: &mut fields, own_fields: Vec::new() };
            self.check_executed_of_one(caller, write).await?;
        }
        let effect = fields.effect_and(tags)?;
        let steps = towards(None, effect, caller.actor())?;
        let mut list = match self.bulk_jobs(query, StateSet::ALL).await? {
            BulkJobs::Counted(count) => return Ok(BulkDone::all(count)),
            BulkJobs::Keys(keys, _) => {
                let changed = self.change_all(project, &keys, &holder, &steps, None, StateSet::ALL);
                return changed.await.map(BulkDone::all);
            }
            BulkJobs::Found(list) => list,
        };
        let states = list.states;
        let (mut count, mut next) = (0, list.next().await?);
        while let Some(keys) = next {
            let change = self.change_all(project, &keys, &holder, &steps, None, states);
            let changed;
            (changed, next) = list.next_beside(change).await?;
            count += changed;
        }
        list.done(count).await
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
