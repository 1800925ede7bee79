//! Lists: walking a project's jobs a page of the store at a time (CONTRACT 3 and 4, list).

use std::{
    cmp::Reverse,
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use super::Domain;
use crate::auth::Caller;
use spiderq_core::{
    error::Result,
    model::{FieldSelection, Filter, Job, JobKey, Position, ProjectId, Role, State, StateSet},
    store::{MAX_BATCH, Store},
};

/// What to list.
#[derive(Debug)]
pub struct Walk {
    /// Where.
    pub project: ProjectId,
    /// Which jobs.
    pub filter: Filter,
    /// Just these. Empty: all.
    pub keys: Vec<JobKey>,
    /// In which order.
    pub order: Order,
    /// Begin after this place.
    pub after: Option<Place>,
    /// Jobs to skip.
    pub skip: u64,
    /// Most jobs to answer.
    pub most: u64,
    /// End before this job's place.
    pub stop: Option<JobKey>,
    /// Which metadata.
    pub fields: FieldSelection,
}

/// Orders of lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Latest state entry first.
    Latest,
    /// By state in the order of a life, latest entry first in each.
    State,
    /// As the keys were given; without keys as `Latest`.
    Given,
}

/// A place in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Of a job in this state …
    pub state: State,
    /// … that it entered here.
    pub position: Position,
}

/// A list on its way; holds at most one page of the store.
#[derive(Debug)]
pub struct Rows {
    store: Arc<dyn Store>,
    project: ProjectId,
    /// What is still to be read, one after the other.
    filters: VecDeque<Filter>,
    fields: FieldSelection,
    skip: u64,
    most: u64,
    page: VecDeque<Job>,
    /// Jobs answered so far where a job that moves on could come up again.
    seen: Option<HashSet<JobKey>>,
}

impl Domain {
    /// Begins a list.
    pub async fn walk(&self, caller: &Caller, walk: Walk) -> Result<Rows> {
        caller.may(Role::Read, walk.project)?;
        let Walk { project, order, fields, .. } = walk;
        let mut filter = walk.filter;
        if let Some(stop) = walk.stop {
            self.end_before(project, stop, &mut filter).await?;
        }
        let (mut page, mut filters) = (VecDeque::new(), VecDeque::new());
        if walk.keys.is_empty() {
            filters = in_order(filter, order, walk.after);
        } else {
            let mut jobs = self.by_keys(project, &filter, &walk.keys, &fields).await?;
            sort(&mut jobs, order, walk.after);
            page = jobs.into();
        }
        Ok(Rows {
            store: Arc::clone(&self.store),
            project,
            seen: (filters.len() > 1).then(HashSet::new),
            filters,
            fields,
            skip: walk.skip,
            most: walk.most,
            page,
        })
    }

    /// A job that does not exist cuts nothing.
    async fn end_before(
        &self,
        project: ProjectId,
        stop: JobKey,
        filter: &mut Filter,
    ) -> Result<()> {
        super::check_project(project, &[stop]).map_err(|error| error.with_field("stop"))?;
        let found = self.store.get(&[stop], &FieldSelection::Row).await?;
        if let Some(job) = found.into_iter().flatten().next() {
            let after = Position(job.position_among(filter.states).0 + 1);
            filter.from = Some(filter.from.map_or(after, |from| from.max(after)));
        }
        Ok(())
    }
}

/// The reads that make up a list, each from the latest entry down.
fn in_order(filter: Filter, order: Order, after: Option<Place>) -> VecDeque<Filter> {
    let until = |mut filter: Filter, after: Place| {
        let until = filter.until.map_or(after.position, |until| until.min(after.position));
        filter.until = Some(until);
        filter
    };
    if order != Order::State {
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

/// What [`in_order`] is to reads, for jobs that are there already.
fn sort(jobs: &mut Vec<Job>, order: Order, after: Option<Place>) {
    let rank = |state: State, position| match order {
        Order::State => (state.index(), Reverse(position)),
        Order::Latest | Order::Given => (0, Reverse(position)),
    };
    if order != Order::Given {
        jobs.sort_by_key(|job| rank(job.state, job.position));
    }
    if let Some(after) = after {
        let after = rank(after.state, after.position);
        jobs.retain(|job| rank(job.state, job.position) > after);
    }
}

impl Rows {
    /// The next job; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Job>> {
        while self.most > 0 {
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
            self.most -= 1;
            return Ok(Some(job));
        }
        Ok(None)
    }

    async fn read(&mut self) -> Result<()> {
        let Some(filter) = self.filters.front_mut() else {
            return Ok(());
        };
        let wanted = self.skip.saturating_add(self.most);
        let limit = usize::try_from(wanted).map_or(MAX_BATCH, |wanted| wanted.min(MAX_BATCH));
        let page = self.store.page(self.project, filter, limit, &self.fields).await?;
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
