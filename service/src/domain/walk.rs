//! Lists: walking a project's jobs from the latest state entry down, a page of the store
//! at a time (CONTRACT 4, list).

use std::{collections::VecDeque, sync::Arc};

use super::Domain;
use crate::{
    auth::Caller,
    error::Result,
    model::{Filter, Job, JobKey, Position, ProjectId},
    store::{BATCH, Fields, Role, Store},
};

/// What to list.
#[derive(Debug)]
pub struct Walk {
    /// Where.
    pub project: ProjectId,
    /// Which jobs.
    pub filter: Filter,
    /// Just these, in this order. Empty: all.
    pub keys: Vec<JobKey>,
    /// Jobs to skip.
    pub skip: u64,
    /// Most jobs to answer.
    pub most: u64,
    /// End before this job's place.
    pub stop: Option<JobKey>,
    /// Which metadata.
    pub fields: Fields,
}

/// A list on its way; holds at most one page of the store.
#[derive(Debug)]
pub struct Rows {
    store: Arc<dyn Store>,
    project: ProjectId,
    filter: Filter,
    fields: Fields,
    skip: u64,
    most: u64,
    page: VecDeque<Job>,
    ended: bool,
}

impl Domain {
    /// Begins a list.
    pub async fn walk(&self, caller: &Caller, walk: Walk) -> Result<Rows> {
        caller.may(Role::Read, walk.project)?;
        let Walk {
            project,
            mut filter,
            keys,
            skip,
            most,
            stop,
            fields,
        } = walk;
        if let Some(stop) = stop {
            super::stop::check_project(project, &[stop]).map_err(|error| error.at("stop"))?;
            let found = self.store.get(&[stop], &Fields::Row).await?;
            if let Some(job) = found.into_iter().flatten().next() {
                let after = Position(job.place_among(filter.states).0 + 1);
                filter.from = Some(filter.from.map_or(after, |from| from.max(after)));
            }
        }
        let (page, ended) = if keys.is_empty() {
            (VecDeque::new(), false)
        } else {
            (
                self.by_keys(project, &filter, &keys, &fields).await?.into(),
                true,
            )
        };
        let store = Arc::clone(&self.store);
        Ok(Rows {
            store,
            project,
            filter,
            fields,
            skip,
            most,
            page,
            ended,
        })
    }
}

impl Rows {
    /// The next job; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Job>> {
        while self.most > 0 {
            let Some(job) = self.page.pop_front() else {
                if self.ended {
                    break;
                }
                self.read().await?;
                continue;
            };
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
        let wanted = self.skip.saturating_add(self.most);
        let limit = usize::try_from(wanted).map_or(BATCH, |wanted| wanted.min(BATCH));
        let page = self
            .store
            .page(self.project, &self.filter, limit, &self.fields)
            .await?;
        self.page = page.jobs.into();
        match page.next {
            Some(next) => self.filter.until = Some(next),
            None => self.ended = true,
        }
        Ok(())
    }
}
