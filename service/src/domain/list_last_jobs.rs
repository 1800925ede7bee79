//! The job of each spider that finished last (`docs/contract.md`, 4, summaries).

use super::{Domain, SpiderRef};
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
    /// How many jobs to list.
    pub limit: usize,
    /// Which metadata.
    pub fields: FieldSelection,
}

impl Domain {
    /// The job of each spider that finished last, by spider number; spiders of which none has
    /// finished are left out.
    pub async fn list_last_jobs(&self, caller: &Caller, query: &LastJobsQuery) -> Result<Vec<Job>> {
        caller.may(Role::Read, query.project)?;
        let one = match &query.spider {
            None => None,
            Some(spider) => match self.spider_number(query.project, spider, false).await? {
                Some(number) => Some(number),
                None => return Ok(Vec::new()),
            },
        };
        let (mut skip, limit) = (query.skip, query.limit);
        let (mut jobs, mut after) = (Vec::new(), query.after);
        loop {
            let spiders = match one {
                Some(spider) => vec![spider],
                None => self.spiders_after(query.project, after).await?,
            };
            let full = spiders.len() == MAX_BATCH;
            after = spiders.last().copied();
            let last = self.store.last_finished(query.project, &spiders, &query.fields);
            for job in last.await?.into_iter().flatten() {
                if skip > 0 {
                    skip -= 1;
                } else if jobs.len() < limit {
                    jobs.push(job);
                }
            }
            if !full || jobs.len() == limit {
                return Ok(jobs);
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
