//! Watch: the events of a project's jobs as they come, resumable where a reader stopped.

use std::{collections::BTreeMap, sync::Arc};

use super::{Domain, Stopping, hearing::Ear};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    model::{FieldSelection, Job, JobKey, ProjectId, Role, SpiderId, SpiderName},
    store::{Events, JobEvent, MAX_BATCH, Store},
};

/// After so many events that it does not show, a watch tells where it is.
const PASSED: usize = 1_000;

/// Which events.
#[derive(Clone, Debug)]
pub struct Watch {
    /// Of which project.
    pub project: ProjectId,
    /// Just of this spider's jobs.
    pub spider: Option<SpiderName>,
    /// Just of this job.
    pub key: Option<JobKey>,
    /// Those after the event with this number; `None`: from now on.
    pub after: Option<u64>,
}

/// What a watch sees.
#[derive(Debug)]
pub enum Seen {
    /// An event, and the job as it is now; `None`: it was purged since.
    Event(JobEvent, Option<Box<Job>>),
    /// Nothing that it is about, up to the event with this number.
    Passed(u64),
}

/// A watch under way.
#[derive(Debug)]
pub struct Watching {
    store: Arc<dyn Store>,
    stopping: Stopping,
    watch: Watch,
    /// Number of the watched spider, once it has one.
    spider: Option<SpiderId>,
    ear: Ear,
    last: u64,
    passed: usize,
}

impl Watch {
    /// Whether the caller may.
    pub fn allows(&self, caller: &Caller) -> Result<()> {
        match self.key {
            Some(key) => caller.may_read(key),
            None => caller.may(Role::Read, self.project),
        }
    }
}

impl Domain {
    /// Begins a watch. [`Error::CursorGone`] when the events after `after` are not kept.
    pub async fn watch(&self, caller: &Caller, watch: Watch) -> Result<Watching> {
        if let Some(key) = watch.key {
            super::check_project(watch.project, &[key])?;
        }
        watch.allows(caller)?;
        let mut ear = Ear::default();
        ear.open(self.store.as_ref(), watch.project).await?;
        Ok(Watching {
            last: self.first_cursor(&watch).await?,
            store: Arc::clone(&self.store),
            stopping: self.stopping.clone(),
            watch,
            spider: None,
            ear,
            passed: 0,
        })
    }

    /// The number of the event before the first to show.
    async fn first_cursor(&self, watch: &Watch) -> Result<u64> {
        let Some(after) = watch.after else {
            return self.last_event(watch.project).await;
        };
        let kept = self.store.events(watch.project, Some(after), 1).await?;
        let last = match kept {
            Events::These { last, .. } if last >= after => return Ok(after),
            Events::These { last, .. } => last,
            Events::Gone => self.last_event(watch.project).await?,
        };
        if after > last {
            let message = "must be one that a watch of this project gave";
            return Err(Error::invalid("cursor", message));
        }
        Err(Error::CursorGone)
    }

    async fn last_event(&self, project: ProjectId) -> Result<u64> {
        match self.store.events(project, None, 1).await? {
            Events::These { last, .. } => Ok(last),
            Events::Gone => Err(Error::bug("no events from now on")),
        }
    }
}

impl Watching {
    /// What it is about.
    #[must_use]
    pub const fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Number of the last event that it saw.
    #[must_use]
    pub const fn last(&self) -> u64 {
        self.last
    }

    /// Returns when the service is about to end.
    pub fn stopping(&self) -> impl Future<Output = ()> + Send + use<> {
        let stopping = self.stopping.clone();
        async move { stopping.begun().await }
    }

    /// What comes next; nothing when nothing came for some seconds.
    pub async fn next(&mut self) -> Result<Vec<Seen>> {
        let project = self.watch.project;
        let mut waited = false;
        loop {
            self.ear.open(self.store.as_ref(), project).await?;
            let page = self.store.events(project, Some(self.last), MAX_BATCH).await?;
            let Events::These { events, last } = page else {
                return Err(Error::CursorGone);
            };
            if last > self.last {
                self.last = last;
                let seen = self.shown(events).await?;
                if !seen.is_empty() {
                    return Ok(seen);
                }
            } else if waited {
                return Ok(Vec::new());
            } else {
                self.ear.heard().await;
                waited = true;
            }
        }
    }

    /// Those of the events that it is about.
    async fn shown(&mut self, events: Vec<JobEvent>) -> Result<Vec<Seen>> {
        let read = events.len();
        let spider = self.spider().await?;
        let shown = |event: &JobEvent| {
            self.watch.key.is_none_or(|key| event.key == key)
                && spider.is_none_or(|spider| Some(event.key.spider) == spider)
        };
        let events: Vec<JobEvent> = events.into_iter().filter(shown).collect();
        if events.is_empty() {
            self.passed += read;
            if self.passed < PASSED {
                return Ok(Vec::new());
            }
            self.passed = 0;
            return Ok(vec![Seen::Passed(self.last)]);
        }
        self.passed = 0;
        let mut keys: Vec<JobKey> = events.iter().map(|event| event.key).collect();
        keys.sort_unstable();
        keys.dedup();
        let jobs = self.store.get(&keys, &FieldSelection::Row).await?;
        let jobs: BTreeMap<JobKey, Option<Job>> = keys.into_iter().zip(jobs).collect();
        let seen = events.into_iter().map(|event| {
            let job = jobs.get(&event.key).cloned().flatten();
            Seen::Event(event, job.map(Box::new))
        });
        Ok(seen.collect())
    }

    /// The spider to show; `Some(None)`: one that has no number, and no jobs.
    async fn spider(&mut self) -> Result<Option<Option<SpiderId>>> {
        let Some(name) = &self.watch.spider else {
            return Ok(None);
        };
        if self.spider.is_none() {
            let project = self.watch.project;
            self.spider = self.store.spider_id(project, name, false).await?;
        }
        Ok(Some(self.spider))
    }
}
