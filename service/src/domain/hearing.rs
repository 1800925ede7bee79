//! Hearing of a project's changes, and looking again from time to time even so.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use spiderq_core::{
    error::Result,
    model::ProjectId,
    store::{Notifications, Store},
};

/// A look is due after so long without a pulse: one may be lost with a broken connection.
pub(super) const RECHECK: Duration = Duration::from_secs(15);

/// Notifications of one project, asked for anew from time to time: the store may forget who hears.
#[derive(Debug, Default)]
pub(super) struct Ear(Option<(Notifications, Instant)>);

impl Ear {
    /// Must come before each look at the project: no change after that look goes unheard.
    pub(super) async fn open(&mut self, store: &dyn Store, project: ProjectId) -> Result<()> {
        let fresh = |since: &Instant| since.elapsed() < RECHECK;
        if !self.0.as_ref().is_some_and(|(_, since)| fresh(since)) {
            self.0 = Some((store.subscribe(project).await?, Instant::now()));
        }
        Ok(())
    }

    /// Forgets its pulses.
    pub(super) fn close(&mut self) {
        self.0 = None;
    }

    /// Returns when there may be something new to see.
    pub(super) async fn heard(&mut self) {
        if let Some((pulses, _)) = &mut self.0 {
            // Too late is as good as heard.
            let _ = timeout(RECHECK, pulses.next()).await;
        }
    }
}
