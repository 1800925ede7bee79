//! The shutdown of the service: calls that wait for something to happen stop waiting.

use tokio::sync::watch;

/// Whether the service is shutting down. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(watch::Sender<bool>);

impl Shutdown {
    /// Ends all waits, now and later.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }

    /// Returns when the shutdown has begun.
    pub async fn begun(&self) {
        // An error would mean that the sender is gone, but `self` holds it.
        let _ = self.0.subscribe().wait_for(|begun| *begun).await;
    }
}
