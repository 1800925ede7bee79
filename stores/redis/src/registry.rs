//! Registers projects in a set of the installation, beside their writes: that set is in no
//! project's slot, so that no script of a project can write it.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use spiderq_core::{error::Result, model::ProjectId};
use tokio::time::{Instant, timeout};

use crate::link::{Connection, within};

/// How long a registered project counts as such; a Redis that lost its data learns of it again
/// after that.
const KNOWN_FOR: Duration = Duration::from_secs(60);
/// How long after a registration that failed a write tries again.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// How long a write waits for the registration beside it. In a Cluster the set may be on a node
/// that is away while the project's own is not.
const REGISTER_TIMEOUT: Duration = Duration::from_millis(250);
/// Most projects remembered; beyond that all are registered anew.
const MAX_REMEMBERED: usize = 100_000;

/// The projects of one such set, as far as this process knows.
#[derive(Clone)]
pub(crate) struct Registry {
    connection: Connection,
    key: &'static str,
    /// When a project is to be registered again.
    due: Arc<Mutex<HashMap<ProjectId, Instant>>>,
}

impl Registry {
    pub(crate) fn new(connection: Connection, key: &'static str) -> Self {
        let due = Arc::default();
        Self { connection, key, due }
    }

    /// Runs `write`, which may be the project's first of its kind, and registers the project
    /// with this score, if that is due.
    pub(crate) async fn register_with<T>(
        &self,
        project: ProjectId,
        score: u64,
        write: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        if !self.take(project) {
            return write.await;
        }
        let registering = tokio::spawn(self.clone().register(project, score));
        let done = write.await;
        // The write is done in any case; a registration that failed is tried again.
        let _ = timeout(REGISTER_TIMEOUT, registering).await;
        done
    }

    async fn register(self, project: ProjectId, score: u64) {
        let mut pipe = redis::pipe();
        pipe.zadd(self.key, project.get(), score).ignore();
        match within(self.connection.pipe::<()>(&pipe)).await {
            Ok(()) => self.remember(project, KNOWN_FOR),
            Err(error) => {
                tracing::debug!(%error, %project, set = self.key, "can't register the project yet")
            }
        }
    }

    /// Whether registration is due; then the caller does it.
    fn take(&self, project: ProjectId) -> bool {
        let due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if due.get(&project).is_some_and(|at| *at > now) {
            return false;
        }
        drop(due);
        self.remember(project, RETRY_AFTER);
        true
    }

    fn remember(&self, project: ProjectId, after: Duration) {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        if due.len() >= MAX_REMEMBERED {
            due.clear();
        }
        due.insert(project, Instant::now() + after);
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Registry(…)")
    }
}
