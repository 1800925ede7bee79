//! Telling other processes of new output: at once, and then at most so often for each project.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use spiderq_core::{model::ProjectId, store::Store};

/// Between two notifications of a project. Readers of other processes wait this long at most, and
/// then for what the store takes; 50 ms in all are promised.
const PAUSE: Duration = Duration::from_millis(20);

/// Notifies through the store.
#[derive(Debug)]
pub(super) struct Notifier {
    store: Arc<dyn Store>,
    /// The projects that are in their pause, and whether something came in it.
    paused: Mutex<HashMap<ProjectId, bool>>,
}

impl Notifier {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, paused: Mutex::default() }
    }

    /// Notifies of output of the project, without waiting for it.
    pub(super) fn appended(self: &Arc<Self>, project: ProjectId) {
        if let Some(came) = self.lock().get_mut(&project) {
            *came = true;
            return;
        }
        self.lock().insert(project, false);
        tokio::spawn(Arc::clone(self).notify(project));
    }

    async fn notify(self: Arc<Self>, project: ProjectId) {
        loop {
            if let Err(error) = self.store.notify_output(project).await {
                // Readers also look now and then by themselves.
                tracing::debug!(%project, %error, "others not notified of output");
            }
            let _ = tokio::time::timeout(PAUSE, std::future::pending::<()>()).await;
            let mut paused = self.lock();
            if paused.get(&project) != Some(&true) {
                paused.remove(&project);
                return;
            }
            paused.insert(project, false);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ProjectId, bool>> {
        self.paused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
