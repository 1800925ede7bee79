//! The end of the service: calls that wait for something to happen wait no longer.

use tokio::sync::watch;

/// Whether the service is about to end. Clones are one.
#[derive(Clone, Debug, Default)]
pub struct Stopping(watch::Sender<bool>);

impl Stopping {
    /// It is, from now on.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }

    /// Returns when it is.
    pub async fn begun(&self) {
        // The sender is this one: it does not go first.
        let _ = self.0.subscribe().wait_for(|begun| *begun).await;
    }
}
