//! Waking the readers of this process that wait for more lines of a job.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use spiderq_core::model::JobKey;
use tokio::sync::watch;

/// One sender for each job that somebody waits for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wakes(Arc<Mutex<HashMap<JobKey, watch::Sender<()>>>>);

/// Says when a job may have more lines.
#[derive(Debug)]
pub struct Wake(watch::Receiver<()>);

impl Wake {
    /// Returns when lines were appended since the call before, or since this was made.
    pub async fn woken(&mut self) {
        if self.0.changed().await.is_err() {
            // The sender is only dropped when nobody waits.
            std::future::pending::<()>().await;
        }
    }
}

impl Wakes {
    pub(crate) fn subscribe(&self, key: JobKey) -> Wake {
        let mut senders = self.lock();
        if !senders.contains_key(&key) {
            senders.retain(|_, sender| sender.receiver_count() > 0);
        }
        Wake(senders.entry(key).or_insert_with(|| watch::Sender::new(())).subscribe())
    }

    pub(crate) fn wake(&self, key: JobKey) {
        if let Some(sender) = self.lock().get(&key) {
            sender.send_replace(());
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<JobKey, watch::Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
