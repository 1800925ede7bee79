//! A few connections that read beside the writer, each call on one snapshot. Queries run on
//! the runtime's blocking threads, so that they hold up nothing. Knows nothing of jobs.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::DEADLINE;
use crate::error::{Error, Result};

/// The connections. Cheap to clone.
#[derive(Clone)]
pub(super) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    /// Serves with these.
    pub(super) fn new(connections: Vec<Connection>) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(connections.len())),
            idle: Arc::new(Mutex::new(connections)),
        }
    }

    /// Runs `work` on one snapshot of the store.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        tokio::time::timeout(DEADLINE, self.run(work))
            .await
            .map_err(|_| Error::unavailable("the readers did not answer in time"))?
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(Error::bug)?;
        let pool = self.clone();
        // The permit goes along: a caller that gives up does not free a busy connection.
        tokio::task::spawn_blocking(move || {
            let connection = pool.take()?;
            let outcome = snapshot(&connection, work);
            pool.give_back(connection);
            drop(permit);
            outcome
        })
        .await
        .map_err(Error::bug)?
    }

    fn take(&self) -> Result<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.pop()
            .ok_or_else(|| Error::bug("no idle connection behind a permit"))
    }

    fn give_back(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(connection);
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Readers")
    }
}

fn snapshot<T>(connection: &Connection, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    connection.prepare_cached("BEGIN")?.execute([])?;
    let outcome = work(connection);
    connection.prepare_cached("COMMIT")?.execute([])?;
    outcome
}
