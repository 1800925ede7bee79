//! The job of each spider that finished last (`docs/contract.md`, 4, summaries).

use super::{Domain, ResponseRoom, SpiderRef, list::PAGE_MEMORY};
use crate::auth::Caller;
use spiderq_core::{
    error::Result,
    limits::MAX_BATCH,
    model::{FieldSelection, Job, ProjectId, Role, SpiderId},
};

/// Whose last jobs to list.
#[derive(Debug)]
pub struct LastJobsQuery {
    /// Of which project.
    pub project: ProjectId,
    /// Only of this spider.
    pub spider: Option<SpiderRef>,
    /// Only of spiders with numbers above this one.
    pub after: Option<SpiderId>,
    /// How many jobs to leave out at the beginning.
    pub skip: u64,
    /// How many jobs to list, at most.
    pub limit: usize,
    /// Which metadata.
    pub fields: FieldSelection,
}

/// A part of the last jobs.
#[derive(Debug)]
pub struct LastJobs {
    /// As many as were wanted, or as the response holds.
    pub jobs: Vec<Job>,
    /// Whether there are more after them.
    pub more: bool,
}

impl Domain {
    /// The job of each spider that finished last, by spider number; spiders of which none has
    /// finished are left out.
    pub async fn list_last_jobs(
        &self,
        caller: &Caller,
        query: &LastJobsQuery,
        room: &mut ResponseRoom,
    ) -> Result<LastJobs> {
        caller.may(Role::Read, query.project)?;
        let mut jobs = Vec::new();
        let one = match &query.spider {
            None => None,
            Some(spider) => match self.spider_number(query.project, spider, false).await? {
                Some(number) => Some(number),
                None => return Ok(LastJobs { jobs, more: false }),
            },
        };
        let mut memory = self.memory_of(caller);
        memory.grow_in_time(PAGE_MEMORY).await?;
        let (mut skip, mut after) = (query.skip, query.after);
        loop {
            let spiders = match one {
                Some(spider) => vec![spider],
                None => self.spiders_after(query.project, after).await?,
            };
            let last = self.store.last_finished(query.project, &spiders, &query.fields).await?;
            let is_end = last.len() == spiders.len() && spiders.len() < MAX_BATCH;
            after = last.len().checked_sub(1).map(|index| spiders[index]);
            for job in last.into_iter().flatten() {
                if skip > 0 {
                    skip -= 1;
                } else if jobs.len() == query.limit || !room.take(&job).await? {
                    return Ok(LastJobs { jobs, more: true });
                } else {
                    jobs.push(job);
                }
            }
            if is_end {
                return Ok(LastJobs { jobs, more: false });
            }
        }
    }

    async fn spiders_after(
        &self,
        project: ProjectId,
        after: Option<SpiderId>,
    ) -> Result<Vec<SpiderId>> {
        let spiders = self.store.spiders(project, after, MAX_BATCH).await?;
        Ok(spiders.into_iter().map(|spider| spider.id).collect())
    }
}

#[cfg(test)]
mod tests;
