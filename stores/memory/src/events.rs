//! The events of a project, numbered from the first time that somebody asked for them.

use std::collections::VecDeque;

use spiderq_core::{
    effect::NewEvent,
    store::{Events, JobEvent, MAX_EVENTS},
};

/// The last [`MAX_EVENTS`] events. Nothing is kept before the first reader.
#[derive(Clone, Debug, Default)]
pub(crate) struct EventLog {
    kept: Option<VecDeque<JobEvent>>,
    /// Number of the last event; 0 before the first.
    last: u64,
}

impl EventLog {
    pub(crate) fn add(&mut self, event: NewEvent) {
        let Some(kept) = &mut self.kept else { return };
        self.last += 1;
        kept.push_back(event.numbered(self.last));
        if kept.len() as u64 > MAX_EVENTS {
            kept.pop_front();
        }
    }

    /// Up to `limit` events after the one with number `after`.
    pub(crate) fn read(&mut self, after: Option<u64>, limit: usize) -> Events {
        let kept = self.kept.get_or_insert_default();
        let after = after.unwrap_or(self.last);
        if after > self.last || after + (kept.len() as u64) < self.last {
            return Events::Gone;
        }
        let new = kept.iter().filter(|event| event.number > after);
        let events: Vec<JobEvent> = new.take(limit).copied().collect();
        let last = events.last().map_or(after, |event| event.number);
        Events::These { events, last }
    }
}
