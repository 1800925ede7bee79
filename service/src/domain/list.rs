//! Lists of jobs, read a page of the store at a time (`docs/contract.md`, 3 and 4, list).

mod reader;

use std::{
    cmp::Reverse,
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use self::reader::Left;
pub(super) use self::reader::PAGE_MEMORY;
pub use self::reader::{JobList, JobPage};
use super::{Domain, JobSelection, check_keys, check_project};
use crate::auth::Caller;
use spiderq_core::{
    MemoryBudget, Reservation,
    error::Result,
    model::{
        FieldSelection, Filter, Job, JobKey, Position, ProjectId, Role, SpiderId, State, StateSet,
    },
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

/// A place in a list, after which the next page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageCursor {
    /// The state of the job there.
    pub state: State,
    /// Its position in that state.
    pub position: Position,
}

impl PageCursor {
    /// Where the job stands.
    const fn of(job: &Job) -> Self {
        Self { state: job.state, position: job.position }
    }
}

impl Domain {
    /// Begins a list.
    pub async fn list_jobs(&self, caller: &Caller, query: ListQuery) -> Result<JobList> {
        caller.may(Role::Read, query.project)?;
        self.list_in(self.memory_of(caller), query).await
    }

    /// Begins a list of which nothing is kept. Asks nobody for permission.
    pub(super) async fn list(&self, query: ListQuery) -> Result<JobList> {
        self.list_in(MemoryBudget::unlimited().account(""), query).await
    }

    /// Begins a list whose pages are in this memory. Asks nobody for permission.
    pub(super) async fn list_in(
        &self,
        mut memory: Reservation,
        query: ListQuery,
    ) -> Result<JobList> {
        let ListQuery { project, filter, keys, spiders, order, after, fields, .. } = query;
        let mut filter = self.with_spiders(project, filter, &spiders).await?;
        if let Some(stop) = query.stop {
            self.end_before(project, stop, &mut filter).await?;
        }
        memory.grow_in_time(PAGE_MEMORY).await?;
        let may_repeat = order == ListOrder::State || may_be_restored(filter.states);
        let left = if keys.is_empty() {
            Left::Filters(reads(filter, order, after))
        } else {
            let places = self.places(project, &filter, &keys, order, after).await?;
            Left::Keys(places, Box::new(filter))
        };
        let (store, seen) = (Arc::clone(&self.store), may_repeat.then(HashSet::new));
        let (skip, limit, page) = (query.skip, query.limit, VecDeque::new());
        Ok(JobList { store, project, left, fields, skip, limit, page, seen, memory, place: None })
    }

    /// The jobs of a list by key, in its order, and the place of each where it is not the job's
    /// own: until the job is read it may move.
    async fn places(
        &self,
        project: ProjectId,
        filter: &Filter,
        keys: &[JobKey],
        order: ListOrder,
        after: Option<PageCursor>,
    ) -> Result<VecDeque<(JobKey, Option<PageCursor>)>> {
        check_keys(project, keys)?;
        if order == ListOrder::Given || (keys.len() == 1 && after.is_none()) {
            return Ok(keys.iter().map(|key| (*key, None)).collect());
        }
        let mut places = Vec::new();
        let look = |job: &Job| places.push((job.key, PageCursor::of(job)));
        self.look_at(project, filter, keys, look).await?;
        let rank = |place: PageCursor| match order {
            ListOrder::State => (place.state.index(), Reverse(place.position)),
            ListOrder::Latest | ListOrder::Given => (0, Reverse(place.position)),
        };
        places.sort_by_key(|(_, place)| rank(*place));
        let is_left = |place| after.is_none_or(|after| rank(place) > rank(after));
        let left = places.into_iter().filter(|(_, place)| is_left(*place));
        Ok(left.map(|(key, place)| (key, Some(place))).collect())
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

#[cfg(test)]
mod memory_tests;
#[cfg(test)]
mod tests;
