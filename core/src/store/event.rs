//! What a store tells of changes: pulses at once, and events that can be read again.

use tokio::sync::watch;

use crate::model::{JobKey, State};

/// Tells that the jobs or settings of a project may have changed in what somebody may wait
/// for: heartbeats and most metadata are not. Notifications that come while
/// nobody waits are one; one may come without a change. Whatever a read sees before a pulse
/// is waited for, no change after that read goes without one.
#[derive(Debug)]
pub struct Notifications(watch::Receiver<()>);

impl Notifications {
    /// Notifications with each change of the sender's value. Nothing is told of those before.
    #[must_use]
    pub fn new(mut receiver: watch::Receiver<()>) -> Self {
        receiver.mark_unchanged();
        Self(receiver)
    }

    /// Waits for a change since the last call, or since this was made. Ends at once, again and
    /// again, when the store is gone.
    pub async fn next(&mut self) {
        // An error is the end of the store, of which its own calls tell.
        let _ = self.0.changed().await;
    }
}

/// A job's entry into a state, or a request to stop it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobEvent {
    /// Its number among the events of its project: each the last one plus 1.
    pub number: u64,
    /// The job.
    pub key: JobKey,
    /// The state after it.
    pub state: State,
    /// The state before it; `None` for a new job.
    pub previous: Option<State>,
    /// Whether it is the request to stop: the states are then the same.
    pub stop: bool,
}

/// A part of a project's events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Events {
    /// Without a gap.
    These {
        /// In order.
        events: Vec<JobEvent>,
        /// Number of the last event read, or of that before the next one to come.
        last: u64,
    },
    /// The event after the one asked for is not kept any more, or was never.
    Gone,
}

/// Events kept of a project; older ones go as new ones come.
pub const MAX_EVENTS: u64 = 10_000;
