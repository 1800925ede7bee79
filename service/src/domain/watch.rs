//! Watching: the events of a project's jobs as they come, from where a reader stopped.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use tokio::time::Instant;

use super::{
    Domain, Shutdown, SpiderRef, check_project,
    progress::{Progress, ProgressWatch},
    row_fields,
    subscription::{Subscription, Turns},
};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    limits::{MAX_BATCH, NOTIFICATION_TIMEOUT},
    model::{Job, JobKey, ProjectId, Role, SpiderId},
    store::{EventCursor, Events, JobEvent, PageRoom, Store},
};

/// After this many events that it does not show, a watch says how far it has come, so that its
/// reader can resume there.
const MAX_SILENT_EVENTS: usize = 1_000;

/// Which events to watch.
#[derive(Clone, Debug)]
pub struct WatchQuery {
    /// Of which project.
    pub project: ProjectId,
    /// Only of this spider's jobs.
    pub spider: Option<SpiderRef>,
    /// Only of this job.
    pub key: Option<JobKey>,
    /// Those after this place; `None`: from now on.
    pub after: Option<EventCursor>,
    /// Whether to tell what running jobs have counted, too.
    pub progress: bool,
}

/// What a watch shows.
#[derive(Debug)]
pub enum WatchItem {
    /// An event, and the job as it is now; `None`: it was purged since.
    Event(JobEvent, Option<Box<Job>>),
    /// A running job has counted more. It is no event, and has no place among them.
    Progress(Progress),
    /// Many events up to this one were not selected.
    Skipped(EventCursor),
}

/// A watch that is under way.
#[derive(Debug)]
pub struct Watch {
    store: Arc<dyn Store>,
    shutdown: Shutdown,
    query: WatchQuery,
    /// Number of the watched spider, once it has one.
    spider: Option<SpiderId>,
    subscription: Subscription,
    turns: Arc<Turns>,
    last: EventCursor,
    /// Whether there was nothing after `last` when it was read, and no notification since.
    is_read_out: bool,
    /// Events in a row that were not shown.
    silent: usize,
    progress: Option<ProgressWatch>,
    /// When it last read events.
    read_at: Instant,
}

/// Which spider's events a watch shows.
enum ShownSpider {
    All,
    /// `None`: the spider has no number yet, so that it has no jobs.
    Only(Option<SpiderId>),
}

impl WatchQuery {
    /// An error when the caller may not read the events.
    pub fn allows(&self, caller: &Caller) -> Result<()> {
        match self.key {
            Some(key) => caller.may_read(key),
            None => caller.may(Role::Read, self.project),
        }
    }

    fn shows(&self, spider: &ShownSpider, job: JobKey) -> bool {
        let of_spider = match spider {
            ShownSpider::All => true,
            ShownSpider::Only(spider) => *spider == Some(job.spider),
        };
        of_spider && self.key.is_none_or(|key| job == key)
    }
}

impl Domain {
    /// Begins a watch. [`Error::CursorGone`] when that of `after` is no longer kept.
    pub async fn watch_jobs(&self, caller: &Caller, query: WatchQuery) -> Result<Watch> {
        if let Some(key) = query.key {
            check_project(query.project, &[key]).map_err(|error| error.at("key"))?;
        }
        query.allows(caller)?;
        let (mut subscription, turns) = (Subscription::default(), self.turns.of(query.project));
        let begin = async {
            subscription.ensure(self.store.as_ref(), query.project).await?;
            self.event_before_first(&query).await
        };
        let last = turns.next().await?.look(begin).await?;
        let mut progress = query.progress.then(|| self.progress.of(&self.store, query.project));
        if let Some(progress) = &mut progress {
            progress.begin().await;
        }
        let is_read_out = query.after.is_none();
        Ok(Watch {
            last,
            store: Arc::clone(&self.store),
            shutdown: self.shutdown.clone(),
            query,
            spider: None,
            subscription,
            turns,
            is_read_out,
            silent: 0,
            progress,
            read_at: Instant::now(),
        })
    }

    /// The place before the first event to show.
    async fn event_before_first(&self, query: &WatchQuery) -> Result<EventCursor> {
        match self.store.events(query.project, query.after, 1).await? {
            Events::These { last, .. } => Ok(query.after.unwrap_or(last)),
            Events::Gone => Err(Error::CursorGone),
        }
    }
}

impl Watch {
    /// What it watches.
    #[must_use]
    pub const fn query(&self) -> &WatchQuery {
        &self.query
    }

    /// That of the last event that it read.
    #[must_use]
    pub const fn last(&self) -> EventCursor {
        self.last
    }

    /// Returns when the service shuts down.
    pub fn shutdown(&self) -> impl Future<Output = ()> + Send + use<> {
        let shutdown = self.shutdown.clone();
        async move { shutdown.begun().await }
    }

    /// What comes next; nothing when nothing came within
    /// [`NOTIFICATION_TIMEOUT`](spiderq_core::limits::NOTIFICATION_TIMEOUT).
    pub async fn next(&mut self) -> Result<Vec<WatchItem>> {
        let mut waited = false;
        loop {
            if self.is_read_out {
                // Progress ends each wait before its timeout.
                let is_due = self.read_at.elapsed() >= NOTIFICATION_TIMEOUT;
                if !is_due && self.progress_comes_first().await {
                    let items = self.show_progress().await?;
                    if !items.is_empty() {
                        return Ok(items);
                    }
                    continue;
                }
                (self.is_read_out, waited) = (false, true);
            }
            let Events::These { events, last } = self.read().await? else {
                return Err(Error::CursorGone);
            };
            (self.is_read_out, self.last) = (events.len() < MAX_BATCH, last);
            if events.is_empty() && waited {
                return Ok(Vec::new());
            }
            let items = self.show(events).await?;
            if !items.is_empty() {
                return Ok(items);
            }
        }
    }

    /// Waits for a notification, or for progress: whether it is that.
    async fn progress_comes_first(&mut self) -> bool {
        let Some(progress) = &mut self.progress else {
            self.subscription.notified().await;
            return false;
        };
        tokio::select! {
            biased;
            () = self.subscription.notified() => false,
            () = progress.changed() => true,
        }
    }

    /// The progress of the jobs that were asked for.
    async fn show_progress(&mut self) -> Result<Vec<WatchItem>> {
        let changed = self.progress.as_mut().map(ProgressWatch::take).unwrap_or_default();
        let spider = self.shown_spider().await?;
        let shown = changed.into_iter().filter(|one| self.query.shows(&spider, one.key));
        Ok(shown.map(WatchItem::Progress).collect())
    }

    /// The next events.
    async fn read(&mut self) -> Result<Events> {
        self.read_at = Instant::now();
        let (store, project) = (self.store.as_ref(), self.query.project);
        let turn = self.turns.next().await?;
        let read = async {
            self.subscription.ensure(store, project).await?;
            store.events(project, Some(self.last), MAX_BATCH).await
        };
        turn.look(read).await
    }

    /// The events that were asked for, with their jobs.
    async fn show(&mut self, mut events: Vec<JobEvent>) -> Result<Vec<WatchItem>> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let read = events.len();
        let spider = self.shown_spider().await?;
        events.retain(|event| self.query.shows(&spider, event.key));
        if events.is_empty() {
            return Ok(self.skip(read));
        }
        self.silent = 0;
        let mut seen = BTreeSet::new();
        let keys: Vec<JobKey> = events.iter().map(|event| event.key).collect();
        let keys: Vec<JobKey> = keys.into_iter().filter(|key| seen.insert(*key)).collect();
        let jobs = self.store.get_first(&keys, &row_fields()).await?;
        let jobs: BTreeMap<JobKey, Option<Job>> = keys.into_iter().zip(jobs).collect();
        let (mut items, mut room, mut has_room) = (Vec::new(), PageRoom::default(), true);
        let mut events = events.into_iter().peekable();
        while has_room && let Some(event) = events.next_if(|event| jobs.contains_key(&event.key)) {
            let job = jobs.get(&event.key).cloned().flatten();
            has_room = room.take(job.as_ref().map_or(0, Job::memory));
            items.push(WatchItem::Event(event, job.map(Box::new)));
        }
        // Those that large jobs leave no room for are read again, with their jobs as they are then.
        if events.peek().is_some()
            && let Some(WatchItem::Event(last, _)) = items.last()
        {
            (self.is_read_out, self.last) = (false, last.cursor);
        }
        Ok(items)
    }

    /// Counts events that are not shown; says so after [`MAX_SILENT_EVENTS`].
    fn skip(&mut self, events: usize) -> Vec<WatchItem> {
        self.silent += events;
        if self.silent < MAX_SILENT_EVENTS {
            return Vec::new();
        }
        self.silent = 0;
        vec![WatchItem::Skipped(self.last)]
    }

    async fn shown_spider(&mut self) -> Result<ShownSpider> {
        let name = match &self.query.spider {
            None => return Ok(ShownSpider::All),
            Some(SpiderRef::Number(number)) => return Ok(ShownSpider::Only(Some(*number))),
            Some(SpiderRef::Name(name)) => name,
        };
        if self.spider.is_none() {
            self.spider = self.store.spider_id(self.query.project, name, false).await?;
        }
        Ok(ShownSpider::Only(self.spider))
    }
}

#[cfg(test)]
mod tests;
