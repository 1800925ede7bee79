//! The events of a project, numbered from the first time that somebody asked for them.

use std::collections::VecDeque;

use spiderq_core::{
    effect::NewEvent,
    error::Result,
    store::{EventCursor, Events, JobEvent, MAX_EVENTS},
};

/// The last [`MAX_EVENTS`] events. Nothing is kept before the first reader.
#[derive(Clone, Debug, Default)]
pub(crate) struct EventLog(Option<Kept>);

#[derive(Clone, Debug)]
struct Kept {
    events: VecDeque<JobEvent>,
    /// After the last event; number 0 before the first. Nothing is ever lost here, so that one
    /// stamp serves for all.
    last: EventCursor,
}

impl EventLog {
    pub(crate) fn add(&mut self, event: NewEvent) {
        let Some(kept) = &mut self.0 else { return };
        kept.last.number += 1;
        kept.events.push_back(event.at(kept.last));
        if kept.events.len() as u64 > MAX_EVENTS {
            kept.events.pop_front();
        }
    }

    /// Up to `limit` events after the one at `after`.
    pub(crate) fn read(&mut self, after: Option<EventCursor>, limit: usize) -> Result<Events> {
        let kept = match &mut self.0 {
            Some(kept) => kept,
            none => none.insert(Kept {
                events: VecDeque::new(),
                last: EventCursor { number: 0, stamp: EventCursor::random_stamp()? },
            }),
        };
        let after = after.unwrap_or(kept.last);
        // Before MAX_EVENTS were made, the place where the log begins counts as one of them.
        let oldest = (kept.last.number + 1).saturating_sub(MAX_EVENTS);
        if after.number < oldest
            || after.number > kept.last.number
            || after.stamp != kept.last.stamp
        {
            return Ok(Events::Gone);
        }
        let new = kept.events.iter().filter(|event| event.cursor.number > after.number);
        let events: Vec<JobEvent> = new.take(limit).copied().collect();
        let last = events.last().map_or(after, |event| event.cursor);
        Ok(Events::These { events, last })
    }
}
