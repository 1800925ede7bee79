//! A few connections that read beside the writer, each call on one snapshot. Queries run on the
//! runtime's blocking threads, so that they hold up nothing, and projects take turns at the
//! connections. A query whose caller has given up is interrupted, and its connection serves the
//! next. Knows nothing of jobs.

use std::{
    ffi::c_int,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rusqlite::Connection;
use spiderq_core::{
    Turn, Turns,
    error::{Error, Result},
    model::ProjectId,
};

use crate::{damage::Damage, error};

/// Steps of SQLite's virtual machine between two looks at whether the caller still waits: some
/// hundreds of microseconds, and too few looks to be measured.
const STEPS_PER_LOOK: c_int = 10_000;

/// The connections. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    turns: Turns,
    call_timeout: Duration,
    damage: Arc<Damage>,
}

impl Readers {
    pub(crate) fn new(
        connections: Vec<Connection>,
        call_timeout: Duration,
        damage: Arc<Damage>,
    ) -> Self {
        Self {
            call_timeout,
            damage,
            turns: Turns::new(connections.len()),
            idle: Arc::new(Mutex::new(connections)),
        }
    }

    /// Runs `work` on one snapshot of the store, when it is the turn of `project` (`None`: it is of
    /// no project).
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        project: impl Into<Option<ProjectId>>,
        work: impl FnOnce(&Connection) -> error::Result<T> + Send + 'static,
    ) -> Result<T> {
        let outcome = tokio::time::timeout(self.call_timeout, self.run(project.into(), work))
            .await
            .map_err(|_| Error::unavailable("the readers did not answer in time"))?;
        outcome.map_err(|error| self.damage.noted(error))
    }

    async fn run<T: Send + 'static>(
        &self,
        project: Option<ProjectId>,
        work: impl FnOnce(&Connection) -> error::Result<T> + Send + 'static,
    ) -> Result<T> {
        let turn = self.turns.wait(project).await?;
        let pool = self.clone();
        let caller = Caller::default();
        let gone = caller.gone();
        let outcome = tokio::task::spawn_blocking(move || {
            let mut guard = pool.take(turn)?;
            interruptible(guard.connection()?, &gone, work).map_err(Error::from)
        })
        .await;
        drop(caller);
        outcome.map_err(Error::bug)?
    }

    fn take(&self, turn: Turn) -> Result<ReaderGuard> {
        let connection = self.idle().pop();
        let connection = connection
            .ok_or_else(|| Error::bug("it is a read's turn and no connection is idle"))?;
        Ok(ReaderGuard { connection: Some(connection), pool: self.clone(), _turn: turn })
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Readers")
    }
}

/// A connection in use. It goes back whatever happens, and only then lets the next call in: a
/// caller that gives up does not free a busy connection.
struct ReaderGuard {
    connection: Option<Connection>,
    pool: Readers,
    _turn: Turn,
}

impl ReaderGuard {
    fn connection(&mut self) -> Result<&mut Connection> {
        let gone = || Error::bug("the connection has gone back already");
        self.connection.as_mut().ok_or_else(gone)
    }
}

impl Drop for ReaderGuard {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        // Left open by a panic.
        if !connection.is_autocommit()
            && let Err(error) = connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "could not end a snapshot");
        }
        self.pool.idle().push(connection);
    }
}

/// Whoever waits for a query. Dropped when the query has ended, or when nobody waits any more.
#[derive(Default)]
struct Caller(Arc<AtomicBool>);

impl Caller {
    fn gone(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs `work`, and interrupts it when the caller has `gone`. (An interrupt from the caller's
/// side could hit the connection's next query, or fall between two statements of this one.)
fn interruptible<T>(
    connection: &mut Connection,
    gone: &Arc<AtomicBool>,
    work: impl FnOnce(&Connection) -> error::Result<T>,
) -> error::Result<T> {
    if gone.load(Ordering::Relaxed) {
        return Err(Error::unavailable("the caller has gone").into());
    }
    let stop = Arc::clone(gone);
    connection.progress_handler(STEPS_PER_LOOK, Some(move || stop.load(Ordering::Relaxed)))?;
    let outcome = snapshot(connection, work);
    connection.progress_handler(0, None::<fn() -> bool>)?;
    outcome
}

fn snapshot<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> error::Result<T>,
) -> error::Result<T> {
    connection.prepare_cached("BEGIN")?.execute([])?;
    let outcome = work(connection);
    // Where SQLite found no memory, or its file could not be read, it has ended by itself.
    if !connection.is_autocommit() {
        connection.prepare_cached("COMMIT")?.execute([])?;
    }
    outcome
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::CALL_TIMEOUT;

    /// Never ends by itself.
    const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
                           SELECT count(*) FROM n";

    fn readers() -> Readers {
        Readers::new(vec![Connection::open_in_memory().unwrap()], CALL_TIMEOUT, Arc::default())
    }

    fn number(connection: &Connection, query: &str) -> error::Result<i64> {
        Ok(connection.query_row(query, [], |row| row.get(0))?)
    }

    #[tokio::test]
    async fn a_query_whose_caller_has_gone_frees_its_connection() {
        let readers = readers();
        let (begun, begins) = mpsc::channel();
        let (ended, ends) = mpsc::channel();
        let pool = readers.clone();
        let endless = tokio::spawn(async move {
            let query = move |connection: &_| {
                begun.send(()).unwrap();
                let outcome = number(connection, ENDLESS);
                let _ = ended.send(outcome.is_err());
                outcome
            };
            pool.call(None, query).await
        });
        tokio::task::spawn_blocking(move || begins.recv().unwrap()).await.unwrap();
        endless.abort();
        let one = readers.call(None, |connection| number(connection, "SELECT 1"));
        assert_eq!(one.await.unwrap(), 1);
        assert!(ends.recv().unwrap());
    }

    #[tokio::test]
    async fn a_panic_costs_no_connection() {
        let readers = readers();
        for _ in 0..2 {
            let broken = readers.call(None, |_| -> error::Result<()> { panic!("a bug") }).await;
            assert!(matches!(broken, Err(Error::Bug(_))), "{broken:?}");
            let one = readers.call(None, |connection| number(connection, "SELECT 1"));
            assert_eq!(one.await.unwrap(), 1);
        }
    }

    /// As SQLite does when it finds no memory.
    #[tokio::test]
    async fn an_error_that_ends_the_snapshot_is_the_one_that_is_returned() {
        let readers = readers();
        let ended = readers.call(None, |connection| -> error::Result<()> {
            connection.execute_batch("ROLLBACK")?;
            Err(Error::unavailable("no memory").into())
        });
        assert_eq!(ended.await.unwrap_err().cause(), Some("no memory".to_owned()));
    }
}
