//! How a store tells of changes: notifications at once, and events that can be read again.

use tokio::sync::watch;

use crate::model::{JobKey, State};

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

/// A job's entry into a state, a request to stop it, or its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobEvent {
    /// 1, 2, 3 … in its project.
    pub number: u64,
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
        /// Number of the last event read; with none read, of the last one that there was.
        last: u64,
    },
    /// The event after the one asked for is no longer kept, or never was.
    Gone,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_says_what_became_of_its_job() {
        let key = JobKey::parse("1/1/1").unwrap();
        let kind =
            |previous, state, stop| JobEvent { number: 1, key, state, previous, stop }.kind();
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
