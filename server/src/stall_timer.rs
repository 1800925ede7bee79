//! The one timer for a peer that makes no progress: a body that does not arrive, a request
//! head that does not end, a response that is not read.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Sleep, sleep};

pub(crate) struct StallTimer {
    timeout: Duration,
    /// Boxed and only while the peer is waited for: most connections never need it.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl StallTimer {
    pub(crate) const fn new(timeout: Duration) -> Self {
        Self { timeout, sleep: None }
    }

    /// The peer made progress: the next poll starts the time again.
    pub(crate) fn reset(&mut self) {
        self.sleep = None;
    }

    /// Starts the time if it is not running; ready once it has run for the whole timeout.
    pub(crate) fn poll_expired(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let timeout = self.timeout;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep(timeout)));
        sleep.as_mut().poll(context)
    }
}
