//! Summaries of the queue, and the last job of each spider (CONTRACT 4, summaries).

use super::{Domain, MAX_ITEMS, Order, Walk, most_rows};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    model::{FieldSelection, Filter, Job, ProjectId, Role, SpiderId, SpiderName, State, StateSet},
    store::MAX_BATCH,
};

/// Rows per state when a call does not say.
const ROWS: u32 = 5;
/// The states of a summary that asks for none in particular.
const STATES: [State; 3] = [State::Pending, State::Running, State::Finished];

/// What to summarize.
#[derive(Debug)]
pub struct Summarize {
    /// Where.
    pub project: ProjectId,
    /// Just this spider.
    pub spider: Option<SpiderId>,
    /// Just this state.
    pub state: Option<State>,
    /// Rows per state.
    pub most: Option<u32>,
    /// Rows to skip per state.
    pub skip: u32,
    /// Which metadata.
    pub fields: FieldSelection,
}

/// One state of a queue.
#[derive(Debug)]
pub struct StateSummary {
    /// The state.
    pub state: State,
    /// All jobs in it.
    pub count: u64,
    /// The latest of them.
    pub jobs: Vec<Job>,
}

/// Whose last jobs.
#[derive(Debug)]
pub struct LastJobs {
    /// Where.
    pub project: ProjectId,
    /// Just of this spider.
    pub spider: Option<SpiderId>,
    /// Of spiders with numbers above this one.
    pub after: Option<SpiderId>,
    /// Rows to skip.
    pub skip: u32,
    /// Rows to answer: 1 to 1,000; 0 means 1,000.
    pub most: u32,
}

impl Domain {
    /// Count and latest jobs of each state asked for.
    pub async fn summarize(
        &self,
        caller: &Caller,
        summarize: &Summarize,
    ) -> Result<Vec<StateSummary>> {
        let project = summarize.project;
        caller.may(Role::Read, project)?;
        let most = summarize.most.unwrap_or(ROWS);
        if usize::try_from(most).is_ok_and(|most| most > MAX_ITEMS) {
            return Err(Error::invalid("count", "must be from 0 to 1000"));
        }
        let spiders = match summarize.spider {
            None => Vec::new(),
            Some(number) => match self.store.spider_name(project, number).await? {
                Some(name) => vec![name],
                None => return Ok(states(summarize.state).map(StateSummary::empty).collect()),
            },
        };
        let mut summaries = Vec::new();
        for state in states(summarize.state) {
            let summary = self.summary(caller, summarize, state, &spiders, most);
            summaries.push(summary.await?);
        }
        Ok(summaries)
    }

    async fn summary(
        &self,
        caller: &Caller,
        summarize: &Summarize,
        state: State,
        spiders: &[SpiderName],
        most: u32,
    ) -> Result<StateSummary> {
        let filter = Filter {
            states: StateSet::from_iter([state]),
            spiders: spiders.to_vec(),
            ..Filter::default()
        };
        let count = self.store.count(summarize.project, &filter).await?;
        let walk = Walk {
            project: summarize.project,
            filter,
            keys: Vec::new(),
            order: Order::Latest,
            after: None,
            skip: summarize.skip.into(),
            most: most.into(),
            stop: None,
            fields: summarize.fields.clone(),
        };
        let mut rows = self.walk(caller, walk).await?;
        let mut jobs = Vec::new();
        while let Some(job) = rows.next().await? {
            jobs.push(job);
        }
        Ok(StateSummary { state, count, jobs })
    }

    /// The finished job of each spider that finished last, by spider number; spiders without
    /// one are left out.
    pub async fn last_jobs(&self, caller: &Caller, last: &LastJobs) -> Result<Vec<Job>> {
        caller.may(Role::Read, last.project)?;
        let most = most_rows("count", last.most)?;
        let mut skip = usize::try_from(last.skip).unwrap_or(usize::MAX);
        let (mut jobs, mut after) = (Vec::new(), last.after);
        loop {
            let spiders = match last.spider {
                Some(spider) => vec![spider],
                None => self.spiders_after(last.project, after).await?,
            };
            let full = spiders.len() == MAX_BATCH;
            after = spiders.last().copied();
            let found = self.store.last_finished(last.project, &spiders, &FieldSelection::Row);
            for job in found.await?.into_iter().flatten() {
                if skip > 0 {
                    skip -= 1;
                } else if jobs.len() < most {
                    jobs.push(job);
                }
            }
            if !full || jobs.len() == most {
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

impl StateSummary {
    const fn empty(state: State) -> Self {
        Self { state, count: 0, jobs: Vec::new() }
    }
}

fn states(asked: Option<State>) -> impl Iterator<Item = State> {
    let states = asked.map_or_else(|| STATES.to_vec(), |state| vec![state]);
    states.into_iter()
}
