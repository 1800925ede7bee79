//! A summary of the queue: how many jobs are in each state, and the latest of them
//! (`docs/contract.md`, 4, summaries).

use super::{Domain, JobPage, ListQuery, ResponseRoom, SpiderRef};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    limits::{DEFAULT_SUMMARY_ROWS, MAX_SUMMARY_ROWS},
    model::{FieldSelection, Filter, Job, ProjectId, Role, State, StateSet},
};

/// The states of a summary that asks for none in particular.
const DEFAULT_STATES: [State; 3] = [State::Pending, State::Running, State::Finished];

/// What to summarize.
#[derive(Debug)]
pub struct SummarizeQuery {
    /// Of which project.
    pub project: ProjectId,
    /// Only jobs of this spider.
    pub spider: Option<SpiderRef>,
    /// Only this state; `None`: pending, running and finished.
    pub state: Option<State>,
    /// Jobs per state: 0 to [`MAX_SUMMARY_ROWS`]; `None`: [`DEFAULT_SUMMARY_ROWS`].
    pub limit: u32,
    /// How many jobs of each state to leave out at the beginning.
    pub skip: u64,
    /// Which metadata.
    pub fields: FieldSelection,
}

/// One state of a queue.
#[derive(Debug)]
pub struct StateSummary {
    /// Which state.
    pub state: State,
    /// How many jobs are in it.
    pub count: u64,
    /// The latest of them.
    pub jobs: Vec<Job>,
}

impl Domain {
    /// The number and the latest jobs of each state that is asked for: fewer jobs where they are
    /// large, so that each state gets its part of the response.
    pub async fn summarize_queue(
        &self,
        caller: &Caller,
        query: &SummarizeQuery,
        room: &mut ResponseRoom,
    ) -> Result<Vec<StateSummary>> {
        caller.may(Role::Read, query.project)?;
        let states = query.state.map_or_else(|| DEFAULT_STATES.to_vec(), |state| vec![state]);
        let mut filter = Filter::default();
        let name = match &query.spider {
            None => None,
            Some(SpiderRef::Name(name)) => Some(name.clone()),
            Some(SpiderRef::Number(number)) => {
                let name = self.store.spider_name(query.project, *number).await?;
                let Some(name) = name else {
                    let empty = |state| StateSummary { state, count: 0, jobs: Vec::new() };
                    return Ok(states.into_iter().map(empty).collect());
                };
                Some(name)
            }
        };
        filter.spiders.extend(name);
        let mut summaries = Vec::new();
        for (index, state) in states.iter().enumerate() {
            filter.states = StateSet::from_iter([*state]);
            room.begin_part(states.len() - index);
            let count = self.store.count(query.project, &filter).await?;
            let list = ListQuery {
                skip: query.skip,
                limit: query.limit.into(),
                fields: query.fields.clone(),
                ..ListQuery::new(query.project, filter.clone())
            };
            let list = self.list_in(self.memory_of(caller), list).await?;
            let JobPage { jobs, .. } = list.page(usize::MAX, room).await?;
            summaries.push(StateSummary { state: *state, count, jobs });
        }
        Ok(summaries)
    }
}

/// Jobs per state of a request, 0 to [`MAX_SUMMARY_ROWS`]; `None` is the default.
pub fn jobs_per_state(asked: Option<i32>) -> Result<u32> {
    let Some(asked) = asked else {
        return Ok(DEFAULT_SUMMARY_ROWS);
    };
    match u32::try_from(asked) {
        Ok(rows @ ..=MAX_SUMMARY_ROWS) => Ok(rows),
        Ok(_) | Err(_) => {
            let accepted = format!("must be from 0 to {MAX_SUMMARY_ROWS}");
            Err(Error::invalid("jobs_per_state", accepted))
        }
    }
}

#[cfg(test)]
mod tests;
