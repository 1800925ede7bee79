//! How a store tells of changes: notifications at once, and events that can be read again.

use tokio::sync::watch;

use crate::{
    error::{Error, Result},
    model::{JobKey, State},
};

/// Notifications that the jobs or settings of a project may have changed in a way that somebody
/// waits for; heartbeats and most changes of metadata make none. Several that come while nobody
/// waits count as one, and one may come without a change. Each change after a read is followed
/// by a notification, if they were subscribed to before the read.
#[derive(Debug)]
pub struct Notifications(watch::Receiver<()>);

impl Notifications {
    /// A notification each time the watch channel changes from now on.
    #[must_use]
    pub fn new(mut receiver: watch::Receiver<()>) -> Self {
        receiver.mark_unchanged();
        Self(receiver)
    }

    /// Waits for a change since the last call, or since this was made. Returns at once, every
    /// time, when the store is gone.
    pub async fn next(&mut self) {
        // An error means that the store is gone, which its own calls report.
        let _ = self.0.changed().await;
    }
}

/// A place in the events of a project: after one of them, or where they began to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventCursor {
    /// Number of the event: 1, 2, 3 … in its project.
    pub number: u64,
    /// Tells the event from another of the same number: a store that lost its last events, or a
    /// copy that was put back, gives their numbers again, but not their stamps.
    pub stamp: u64,
}

impl EventCursor {
    /// A stamp by chance.
    pub fn random_stamp() -> Result<u64> {
        getrandom::u64().map_err(|error| Error::bug(error.to_string()))
    }
}

/// A job's entry into a state, a request to stop it, or its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobEvent {
    /// Its place, after which a reader goes on.
    pub cursor: EventCursor,
    /// Which job changed.
    pub key: JobKey,
    /// The state after the event; of a job that was removed, its last one.
    pub state: State,
    /// The state before the event; `None` for a new job. That after it, if it changed no state.
    pub previous: Option<State>,
    /// Whether it is a request to stop.
    pub stop: bool,
}

/// What an event says of its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// It is new.
    Created,
    /// It entered another state.
    StateChanged,
    /// It runs and was asked to stop.
    StopRequested,
    /// It was deleted and is finished again.
    Restored,
    /// It was removed for good.
    Purged,
}

impl JobEvent {
    /// What it says.
    #[must_use]
    pub fn kind(&self) -> EventKind {
        match self.previous {
            None => EventKind::Created,
            Some(_) if self.stop => EventKind::StopRequested,
            Some(State::Deleted) if self.state == State::Finished => EventKind::Restored,
            Some(previous) if previous == self.state => EventKind::Purged,
            Some(_) => EventKind::StateChanged,
        }
    }
}

/// A part of a project's events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Events {
    /// The events that were asked for, without a gap.
    These {
        /// Oldest first.
        events: Vec<JobEvent>,
        /// That of the last event read; with none read, the one given, or the last that there was.
        last: EventCursor,
    },
    /// The event asked after is no longer kept, never was, or was lost by the store.
    Gone,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_says_what_became_of_its_job() {
        let key = JobKey::parse("1/1/1").unwrap();
        let cursor = EventCursor { number: 1, stamp: 0 };
        let kind = |previous, state, stop| JobEvent { cursor, key, state, previous, stop }.kind();
        use State::{Deleted, Finished, Pending, Running};
        assert_eq!(kind(None, Pending, false), EventKind::Created);
        assert_eq!(kind(Some(Pending), Running, false), EventKind::StateChanged);
        assert_eq!(kind(Some(Running), Pending, false), EventKind::StateChanged);
        assert_eq!(kind(Some(Running), Running, true), EventKind::StopRequested);
        assert_eq!(kind(Some(Deleted), Finished, false), EventKind::Restored);
        assert_eq!(kind(Some(Deleted), Deleted, false), EventKind::Purged);
        assert_eq!(kind(Some(Finished), Finished, false), EventKind::Purged);
    }
}
