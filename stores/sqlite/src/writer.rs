//! The one thread that writes. It takes what has queued up, runs each command in its own
//! savepoint and commits them all as one transaction: one wait for the disk serves up to
//! [`MAX_GROUP`] callers, and each is answered after it. Knows nothing of jobs.

use std::{
    fmt,
    sync::mpsc::{self, Receiver, Sender},
    thread::{self, JoinHandle},
    time::Duration,
};

use rusqlite::Connection;
use spiderq_core::error::{Error, Result};
use tokio::sync::oneshot;

use crate::error;

/// Commands of one transaction, at most.
const MAX_GROUP: usize = 64;

/// Runs a command; what it returns tells the caller once the commit is known to have
/// failed or not. A command dropped unrun tells its caller by that.
type Command = Box<dyn FnOnce(&Connection) -> Answer + Send>;
type Answer = Box<dyn FnOnce(Option<Error>) + Send>;

/// Handle on the thread; stops it when dropped, after all that was queued.
pub(crate) struct Writer {
    commands: Option<Sender<Command>>,
    thread: Option<JoinHandle<()>>,
    call_timeout: Duration,
}

impl Writer {
    pub(crate) fn start(connection: Connection, call_timeout: Duration) -> Result<Self> {
        let (commands, queue) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || run(&connection, &queue))
            .map_err(Error::unavailable)?;
        Ok(Self { commands: Some(commands), thread: Some(thread), call_timeout })
    }

    /// Runs `work` in a transaction and answers once that is on the disk. What it did is
    /// undone if it fails.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> error::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.call_then(work, |_| ()).await
    }

    /// The same, and shows the answer to `then` before it is given.
    pub(crate) async fn call_then<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> error::Result<T> + Send + 'static,
        then: impl FnOnce(&Result<T>) + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let command: Command = Box::new(move |connection| {
            // The caller has given up and may try again: do not do it twice.
            if answer.is_closed() {
                return Box::new(|_| ());
            }
            let outcome = in_savepoint(connection, |connection| {
                work(connection).map(|answer| (answer, true))
            })
            .map_err(Error::from);
            Box::new(move |failure| {
                let outcome = failure.map_or(outcome, Err);
                then(&outcome);
                let _ = answer.send(outcome);
            })
        });
        let gone = || Error::unavailable("the write was dropped: its transaction failed");
        let commands = self.commands.as_ref().ok_or_else(gone)?;
        commands.send(command).map_err(|_| gone())?;
        tokio::time::timeout(self.call_timeout, answered)
            .await
            .map_err(|_| Error::unavailable("the writer did not answer in time"))?
            .map_err(|_| gone())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.commands = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writer")
    }
}

/// Runs `work`, and keeps what it did if it says so; nothing stays of a failure.
pub(crate) fn in_savepoint<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> error::Result<(T, bool)>,
) -> error::Result<T> {
    statement(connection, "SAVEPOINT step")?;
    let outcome = work(connection);
    // A full disk makes SQLite end the whole transaction: no savepoint is left then.
    if !connection.is_autocommit() {
        if !matches!(outcome, Ok((_, true))) {
            statement(connection, "ROLLBACK TO step")?;
        }
        statement(connection, "RELEASE step")?;
    }
    outcome.map(|(answer, _)| answer)
}

fn run(connection: &Connection, queue: &Receiver<Command>) {
    while let Ok(first) = queue.recv() {
        let group: Vec<Command> =
            std::iter::once(first).chain(queue.try_iter().take(MAX_GROUP - 1)).collect();
        if let Err(error) = commit(connection, group) {
            tracing::error!(%error, "could not commit a group of writes");
        }
    }
    if let Err(error) = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
        tracing::warn!(%error, "could not fold the write-ahead log into the file");
    }
}

fn commit(connection: &Connection, group: Vec<Command>) -> rusqlite::Result<()> {
    statement(connection, "BEGIN IMMEDIATE")?;
    let mut answers = Vec::with_capacity(group.len());
    for command in group {
        answers.push(command(connection));
        if connection.is_autocommit() {
            break;
        }
    }
    let committed = if connection.is_autocommit() {
        Err(rusqlite::Error::InvalidQuery)
    } else {
        statement(connection, "COMMIT")
    };
    if committed.is_err() && !connection.is_autocommit() {
        statement(connection, "ROLLBACK")?;
    }
    for answer in answers {
        let failure = committed
            .as_ref()
            .err()
            .map(|error| Error::unavailable(format!("the commit failed: {error}")));
        answer(failure);
    }
    committed
}

fn statement(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(|_| ())
}
