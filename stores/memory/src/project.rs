//! A project and its jobs.

use std::collections::BTreeMap;

use spiderq_core::{
    effect::{Applied, StoredJob},
    error::Result,
    model::{
        FieldSelection, Job, JobKey, Metadata, Millis, Position, ProjectId, SpiderId, SpiderName,
        State, Tags,
    },
    store::{Notifications, SpiderRecord},
};
use tokio::sync::watch;

use crate::{events::EventLog, request_ids::RequestIds};

/// All that is known of a project. A clone is a snapshot to go back to.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    pub(crate) id: ProjectId,
    /// Whether it has had a job, a spider or a setting.
    pub(crate) exists: bool,
    pub(crate) jobs: BTreeMap<JobKey, StoredJob>,
    /// The spider with number n is at n - 1.
    pub(crate) spiders: Vec<SpiderRecord>,
    pub(crate) settings: Metadata,
    pub(crate) last_position: Position,
    pub(crate) events: EventLog,
    pub(crate) request_ids: RequestIds,
    notifications: watch::Sender<()>,
    /// Of output of its jobs.
    pub(crate) output: watch::Sender<()>,
}

impl Project {
    pub(crate) fn new(id: ProjectId) -> Self {
        Self {
            id,
            exists: false,
            jobs: BTreeMap::new(),
            spiders: Vec::new(),
            settings: Metadata::default(),
            last_position: Position(0),
            events: EventLog::default(),
            request_ids: RequestIds::default(),
            notifications: watch::Sender::new(()),
            output: watch::Sender::new(()),
        }
    }

    pub(crate) fn jobs(&self) -> impl Iterator<Item = &Job> {
        self.jobs.values().map(|stored| &stored.job)
    }

    pub(crate) fn in_state(&self, state: State) -> impl Iterator<Item = &Job> {
        self.jobs().filter(move |job| job.state == state)
    }

    /// The position that an entry into a state made at `now` gets.
    pub(crate) fn next_position(&self, now: Millis) -> Position {
        Position::after(self.last_position, now)
    }

    /// Writes a changed or new job.
    pub(crate) fn write(&mut self, applied: Applied) {
        let Applied { after, event, notify } = applied;
        self.last_position = self.last_position.max(after.job.position);
        self.jobs.insert(after.job.key, after);
        if let Some(event) = event {
            self.events.add(event);
        }
        if notify {
            self.notify();
        }
    }

    pub(crate) fn find_spider(&self, name: &SpiderName) -> Option<&SpiderRecord> {
        self.spiders.iter().find(|spider| spider.name == *name)
    }

    pub(crate) fn spider(&self, id: SpiderId) -> Option<&SpiderRecord> {
        self.spiders.iter().find(|spider| spider.id == id)
    }

    pub(crate) fn spider_mut(&mut self, id: SpiderId) -> Option<&mut SpiderRecord> {
        self.spiders.iter_mut().find(|spider| spider.id == id)
    }

    /// The number of a spider; the next one if it has none.
    pub(crate) fn spider_id(&mut self, name: &SpiderName) -> Result<SpiderId> {
        if let Some(known) = self.find_spider(name) {
            return Ok(known.id);
        }
        let id = SpiderId::new(self.spiders.len() as i64 + 1)?;
        let (name, tags) = (name.clone(), Tags::default());
        self.spiders.push(SpiderRecord { id, name, tags, max_running: None, last_job: None });
        self.exists = true;
        Ok(id)
    }

    /// Notifies all subscribers. Under the store's mutex: whoever is woken reads the change.
    pub(crate) fn notify(&self) {
        self.notifications.send_replace(());
    }

    pub(crate) fn subscribe(&self) -> Notifications {
        Notifications::new(self.notifications.subscribe())
    }
}

/// The job with no more metadata than the caller asked for.
pub(crate) fn select(job: &Job, fields: &FieldSelection) -> Job {
    let mut job = job.clone();
    job.metadata.retain(|name| fields.includes(name));
    job
}
