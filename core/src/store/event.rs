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

/// A job's entry into a state, or a request to stop it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobEvent {
    /// 1, 2, 3 … in its project.
    pub number: u64,
    /// Which job changed.
    pub key: JobKey,
    /// The state after the event.
    pub state: State,
    /// The state before the event; `None` for a new job.
    pub previous: Option<State>,
    /// Whether it is a request to stop: both states are then the same.
    pub stop: bool,
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
