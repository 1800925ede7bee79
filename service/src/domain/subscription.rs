//! Receiving the notifications of a project, with a timeout in case that one is lost.

use tokio::time::{Instant, timeout};

use spiderq_core::{
    error::Result,
    limits::NOTIFICATION_TIMEOUT,
    model::ProjectId,
    store::{Notifications, Store},
};

/// A subscription to one project. It is renewed from time to time: a store may forget it.
#[derive(Debug, Default)]
pub(super) struct Subscription(Option<(Notifications, Instant)>);

impl Subscription {
    /// Subscribes unless a fresh subscription is there. Must come before each read of the
    /// project, so that every change after the read is notified of.
    pub(super) async fn ensure(&mut self, store: &dyn Store, project: ProjectId) -> Result<()> {
        let fresh = |since: &Instant| since.elapsed() < NOTIFICATION_TIMEOUT;
        if !self.0.as_ref().is_some_and(|(_, since)| fresh(since)) {
            self.0 = Some((store.subscribe(project).await?, Instant::now()));
        }
        Ok(())
    }

    /// Unsubscribes.
    pub(super) fn close(&mut self) {
        self.0 = None;
    }

    /// Returns when there may be a change to read.
    pub(super) async fn notified(&mut self) {
        if let Some((notifications, _)) = &mut self.0 {
            // A timeout counts as a notification: one may have been lost.
            let _ = timeout(NOTIFICATION_TIMEOUT, notifications.next()).await;
        }
    }
}
