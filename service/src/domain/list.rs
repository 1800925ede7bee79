//! Lists of jobs, read a page of the store at a time (`docs/contract.md`, 3 and 4, list).

use std::{
    cmp::Reverse,
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use tokio::task::JoinSet;

use super::{Domain, JobSelection, check_project};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    limits::MAX_BATCH,
    model::{
        FieldSelection, Filter, Job, JobKey, Position, ProjectId, Role, SpiderId, State, StateSet,
    },
    store::Store,
};

/// Which jobs to list, and how.
#[derive(Debug)]
pub struct ListQuery {
    /// Of which project.
    pub project: ProjectId,
    /// Which jobs.
    pub filter: Filter,
    /// Only these jobs; empty: all.
    pub keys: Vec<JobKey>,
    /// Spiders by number, beside those that the filter names.
    pub spiders: Vec<SpiderId>,
    /// In which order.
    pub order: ListOrder,
    /// Only jobs after this one, where a page before ended.
    pub after: Option<PageCursor>,
    /// How many jobs to leave out at the beginning.
    pub skip: u64,
    /// How many jobs to list.
    pub limit: u64,
    /// End before the position of this job.
    pub stop: Option<JobKey>,
    /// Which metadata.
    pub fields: FieldSelection,
}

impl ListQuery {
    /// All jobs that match, the latest first.
    #[must_use]
    pub const fn new(project: ProjectId, filter: Filter) -> Self {
        Self {
            project,
            filter,
            keys: Vec::new(),
            spiders: Vec::new(),
            order: ListOrder::Latest,
            after: None,
            skip: 0,
            limit: u64::MAX,
            stop: None,
            fields: FieldSelection::Row,
        }
    }
}

impl From<JobSelection> for ListQuery {
    fn from(jobs: JobSelection) -> Self {
        let JobSelection { project, keys, filter, spiders, .. } = jobs;
        Self { keys, spiders, ..Self::new(project, filter) }
    }
}

/// Orders of lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListOrder {
    /// Latest state entry first.
    Latest,
    /// By state: pending, running, finished, deleted; latest entry first in each.
    State,
    /// As the keys were given; without keys as `Latest`.
    Given,
}

/// The last job of a page, after which the next page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageCursor {
    /// The state of the job.
    pub state: State,
    /// Its position in that state.
    pub position: Position,
}

/// A list that is being read; holds at most one page of the store.
#[derive(Debug)]
pub struct JobList {
    store: Arc<dyn Store>,
    project: ProjectId,
    /// What is still to be read, one after the other.
    filters: VecDeque<Filter>,
    fields: FieldSelection,
    skip: u64,
    limit: u64,
    page: VecDeque<Job>,
    /// Jobs listed so far, where a job that changes its state could come again.
    seen: Option<HashSet<JobKey>>,
}

impl Domain {
    /// Begins a list.
    pub async fn list_jobs(&self, caller: &Caller, query: ListQuery) -> Result<JobList> {
        caller.may(Role::Read, query.project)?;
        self.list(query).await
    }

    /// Begins a list. Asks nobody for permission.
    pub(super) async fn list(&self, query: ListQuery) -> Result<JobList> {
        let ListQuery { project, filter, keys, spiders, order, after, fields, .. } = query;
        let mut filter = self.with_spiders(project, filter, &spiders).await?;
        if let Some(stop) = query.stop {
            self.end_before(project, stop, &mut filter).await?;
        }
        let may_repeat = order == ListOrder::State || may_be_restored(filter.states);
        let (mut page, mut filters) = (VecDeque::new(), VecDeque::new());
        if keys.is_empty() {
            filters = reads(filter, order, after);
        } else {
            let mut jobs = self.get_jobs(project, &filter, &keys, &fields).await?;
            sort(&mut jobs, order, after);
            page = jobs.into();
        }
        let (store, seen) = (Arc::clone(&self.store), may_repeat.then(HashSet::new));
        let (skip, limit) = (query.skip, query.limit);
        Ok(JobList { store, project, filters, fields, skip, limit, page, seen })
    }

    /// A job that does not exist ends nothing.
    async fn end_before(
        &self,
        project: ProjectId,
        stop: JobKey,
        filter: &mut Filter,
    ) -> Result<()> {
        check_project(project, &[stop]).map_err(|error| error.with_field("stop"))?;
        if let Some(job) = self.job_of(stop, &FieldSelection::Row).await? {
            let after = Position(job.position_among(filter.states).0 + 1);
            filter.from = filter.from.max(Some(after));
        }
        Ok(())
    }
}

/// Whether a job may go back from one of the states to another, where the list comes to it again.
fn may_be_restored(states: StateSet) -> bool {
    states.contains(State::Finished) && states.contains(State::Deleted)
}

/// The reads that make up a list, each from the latest entry down.
fn reads(filter: Filter, order: ListOrder, after: Option<PageCursor>) -> VecDeque<Filter> {
    let until = |mut filter: Filter, after: PageCursor| {
        let until = filter.until.map_or(after.position, |until| until.min(after.position));
        filter.until = Some(until);
        filter
    };
    if order != ListOrder::State {
        return VecDeque::from([after.into_iter().fold(filter, until)]);
    }
    let states = filter.states.iter();
    let states = states.filter(|state| after.is_none_or(|after| *state >= after.state));
    let one = |state| Filter { states: StateSet::from_iter([state]), ..filter.clone() };
    states
        .map(|state| {
            let begun = after.filter(|after| after.state == state);
            begun.into_iter().fold(one(state), until)
        })
        .collect()
}

/// Does to jobs that were read by key what [`reads`] does to reads.
fn sort(jobs: &mut Vec<Job>, order: ListOrder, after: Option<PageCursor>) {
    let rank = |state: State, position| match order {
        ListOrder::State => (state.index(), Reverse(position)),
        ListOrder::Latest | ListOrder::Given => (0, Reverse(position)),
    };
    if order != ListOrder::Given {
        jobs.sort_by_key(|job| rank(job.state, job.position));
    }
    if let Some(after) = after {
        let after = rank(after.state, after.position);
        jobs.retain(|job| rank(job.state, job.position) > after);
    }
}

impl JobList {
    /// The next job; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Job>> {
        while self.limit > 0 {
            let Some(job) = self.page.pop_front() else {
                if self.filters.is_empty() {
                    break;
                }
                self.read().await?;
                continue;
            };
            if self.seen.as_mut().is_some_and(|seen| !seen.insert(job.key)) {
                continue;
            }
            if self.skip > 0 {
                self.skip -= 1;
                continue;
            }
            self.limit -= 1;
            return Ok(Some(job));
        }
        Ok(None)
    }

    /// All that is left, which the query's limit must bound.
    pub async fn collect(mut self) -> Result<Vec<Job>> {
        let mut jobs = Vec::new();
        while let Some(job) = self.next().await? {
            jobs.push(job);
        }
        Ok(jobs)
    }

    async fn read(&mut self) -> Result<()> {
        let Some(filter) = self.filters.front_mut() else {
            return Ok(());
        };
        let left = self.skip.saturating_add(self.limit);
        let size = usize::try_from(left).map_or(MAX_BATCH, |left| left.min(MAX_BATCH));
        let (store, project) = (Arc::clone(&self.store), self.project);
        let (asked, fields) = (filter.clone(), self.fields.clone());
        let page = in_task(async move { store.page(project, &asked, size, &fields).await });
        let page = page.await?;
        self.page = page.jobs.into();
        match page.next {
            Some(next) => filter.until = Some(next),
            None => {
                self.filters.pop_front();
            }
        }
        Ok(())
    }
}

/// Does `work` in a task, which ends with the caller. Nobody polls a list while its reader
/// pauses; the store's timeout would run on all the same, and a turn that the store gave would be
/// held from others.
async fn in_task<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let mut task = JoinSet::new();
    task.spawn(work);
    match task.join_next().await {
        Some(done) => done.map_err(Error::bug)?,
        None => Err(Error::bug("a task has gone")),
    }
}

#[cfg(test)]
mod tests;
