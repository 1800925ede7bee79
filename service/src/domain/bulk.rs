//! Changes of the jobs that a call selects: by key in one call, by other conditions up to
//! [`MAX_BULK_JOBS`] a call, from the latest state entry down. A change that moves a job gives it a
//! later position, which the list has passed: each job comes once.

use super::{Domain, JobList, JobSelection, ListQuery, RequestId, check_project};
use spiderq_core::{
    error::{Error, Result},
    limits::{MAX_BATCH, MAX_BULK_JOBS},
    model::{JobKey, Position, StateSet},
};

/// Which jobs a call changes.
#[derive(Debug)]
pub struct BulkQuery {
    /// The jobs.
    pub jobs: JobSelection,
    /// Only those before this position, where a call before ended.
    pub after: Option<Position>,
    /// Whether to count the jobs instead of changing them.
    pub validate_only: bool,
    /// Goes with keys alone.
    pub request_id: Option<RequestId>,
}

impl BulkQuery {
    /// A call that changes these jobs.
    #[must_use]
    pub const fn new(jobs: JobSelection) -> Self {
        Self { jobs, after: None, validate_only: false, request_id: None }
    }
}

/// What a call has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BulkDone {
    /// How many jobs.
    pub count: u64,
    /// Where the next call goes on; `None`: no job is left.
    pub next: Option<Position>,
}

impl BulkDone {
    /// All of so many jobs.
    pub(super) const fn all(count: u64) -> Self {
        Self { count, next: None }
    }
}

/// The jobs that a call changes.
pub(super) enum BulkJobs {
    /// So many would be changed; nothing is to be done.
    Counted(u64),
    /// Those of these keys, at least one, whatever holds of them.
    Keys(Vec<JobKey>, Option<RequestId>),
    /// Those that a list finds.
    Found(Box<BulkList>),
}

/// The jobs that one call finds.
pub(super) struct BulkList {
    jobs: JobList,
    /// A job that has left these since it was found no longer matches.
    pub(super) states: StateSet,
    taken: u64,
    last: Option<Position>,
}

impl Domain {
    /// The jobs of `query`; of those that it does not name by key, just those in one of the states
    /// `hit`, which the call affects.
    pub(super) async fn bulk_jobs(&self, query: BulkQuery, hit: StateSet) -> Result<BulkJobs> {
        let BulkQuery { jobs, after, validate_only, request_id } = query;
        let JobSelection { project, keys, filter, spiders, has_conditions } = jobs;
        // No condition at all would be a call about all jobs.
        if keys.is_empty() && !has_conditions {
            return Err(Error::invalid("filter", "is required, with keys or another condition"));
        }
        if has_conditions && request_id.is_some() {
            // Which jobs match differs from one call to the next: there is no answer to keep.
            let accepted = "goes with keys alone; a filter finds other jobs the second time";
            return Err(Error::invalid("request_id", accepted));
        }
        check_project(project, &keys)?;
        if !keys.is_empty() && !has_conditions && !validate_only {
            return Ok(BulkJobs::Keys(keys, request_id));
        }
        let mut filter = self.with_spiders(project, filter, &spiders).await?;
        filter.states = filter.states.and(hit);
        if validate_only {
            return self.count(project, &filter, &keys).await.map(BulkJobs::Counted);
        }
        filter.until = filter.until.into_iter().chain(after).min();
        let states = filter.states;
        // One more than is changed tells whether there are any left.
        let list = ListQuery { keys, limit: MAX_BULK_JOBS + 1, ..ListQuery::new(project, filter) };
        let jobs = self.list(list).await?;
        Ok(BulkJobs::Found(Box::new(BulkList { jobs, states, taken: 0, last: None })))
    }
}

impl BulkList {
    /// The keys of up to [`MAX_BATCH`] jobs; `None` at the end of the call.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<JobKey>>> {
        let mut keys = Vec::new();
        while keys.len() < MAX_BATCH
            && self.taken < MAX_BULK_JOBS
            && let Some(job) = self.jobs.next().await?
        {
            self.taken += 1;
            self.last = Some(job.position);
            keys.push(job.key);
        }
        Ok((!keys.is_empty()).then_some(keys))
    }

    /// What the step `change` answers, and [`Self::next`], which is found while the step is made.
    pub(super) async fn next_beside(
        &mut self,
        change: impl Future<Output = Result<u64>>,
    ) -> Result<(u64, Option<Vec<JobKey>>)> {
        let (changed, next) = tokio::join!(change, self.next());
        Ok((changed?, next?))
    }

    /// What the call has done, in which `count` jobs were changed.
    pub(super) async fn done(mut self, count: u64) -> Result<BulkDone> {
        let is_full = self.taken == MAX_BULK_JOBS;
        let is_more = is_full && self.jobs.next().await?.is_some();
        Ok(BulkDone { count, next: self.last.filter(|_| is_more) })
    }
}

#[cfg(test)]
mod tests;
