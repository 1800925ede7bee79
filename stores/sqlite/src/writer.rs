//! The one thread that writes. It takes what has queued up, runs each command in its own
//! savepoint and commits them all as one transaction: one wait for the disk serves up to
//! [`MAX_GROUP`] callers, and each is answered after it. Knows nothing of jobs.

use std::{
    fmt,
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rusqlite::{Connection, MAIN_DB};
use spiderq_core::error::{Error, Result};
use tokio::sync::oneshot;

use crate::{
    damage::Damage,
    error::{self, StepError},
};

/// Commands of one transaction, at most.
const MAX_GROUP: usize = 64;

/// Runs a command, or refuses it; what it returns tells the caller once the commit is known to
/// have failed or not. A command dropped unrun tells its caller by that.
type Command = Box<dyn FnOnce(Result<&Connection>) -> Answer + Send>;
type Answer = Box<dyn FnOnce(Option<Error>) + Send>;

/// Handle on the thread; stops it when dropped, after all that was queued.
pub(crate) struct Writer {
    commands: Option<Sender<Command>>,
    thread: Option<JoinHandle<()>>,
    call_timeout: Duration,
    damage: Arc<Damage>,
}

impl Writer {
    /// Writes by `connection` as long as `may_write` says so.
    pub(crate) fn start(
        connection: Connection,
        call_timeout: Duration,
        damage: Arc<Damage>,
        may_write: impl Fn() -> Result<()> + Send + 'static,
    ) -> Result<Self> {
        let (commands, queue) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || run(&connection, &queue, &may_write))
            .map_err(Error::unavailable)?;
        Ok(Self { commands: Some(commands), thread: Some(thread), call_timeout, damage })
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
        let damage = Arc::clone(&self.damage);
        let command: Command = Box::new(move |connection| {
            // The caller has given up and may try again: do not do it twice.
            if answer.is_closed() {
                return Box::new(|_| ());
            }
            let outcome = connection.and_then(|connection| {
                let outcome = in_savepoint(connection, |connection| {
                    work(connection).map(|answer| (answer, true))
                });
                outcome.map_err(Error::from)
            });
            Box::new(move |failure| {
                // Its own error says more than that of the commit.
                let outcome = outcome.and_then(|answer| failure.map_or(Ok(answer), Err));
                let outcome = outcome.map_err(|error| damage.noted(error));
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

fn run(connection: &Connection, queue: &Receiver<Command>, may_write: &dyn Fn() -> Result<()>) {
    while let Ok(first) = queue.recv() {
        let group: Vec<Command> =
            std::iter::once(first).chain(queue.try_iter().take(MAX_GROUP - 1)).collect();
        let begun =
            may_write().and_then(|()| statement(connection, "BEGIN IMMEDIATE").map_err(of_step));
        let done = match begun {
            Ok(()) => commit(connection, group),
            Err(error) => refuse(group, error),
        };
        match done {
            // It has been logged already.
            Ok(()) | Err(Error::Damaged(_)) => {}
            Err(error) => {
                tracing::error!(%error, cause = error.cause(), "could not commit a group of writes");
            }
        }
    }
    // One that cannot write was opened for a check.
    if connection.is_readonly(MAIN_DB).unwrap_or(false) {
        return;
    }
    if let Err(error) = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
        tracing::warn!(%error, "could not fold the write-ahead log into the file");
    }
}

/// Answers a group that no transaction could begin for.
fn refuse(group: Vec<Command>, error: Error) -> Result<()> {
    for command in group {
        command(Err(error.clone()))(None);
    }
    Err(error)
}

fn commit(connection: &Connection, group: Vec<Command>) -> Result<()> {
    let mut answers = Vec::with_capacity(group.len());
    for command in group {
        answers.push(command(Ok(connection)));
        if connection.is_autocommit() {
            break;
        }
    }
    let committed = if connection.is_autocommit() {
        Err(Error::unavailable("another write ended its transaction"))
    } else {
        statement(connection, "COMMIT").map_err(of_step)
    };
    if committed.is_err() && !connection.is_autocommit() {
        statement(connection, "ROLLBACK").map_err(of_step)?;
    }
    for answer in answers {
        answer(committed.as_ref().err().cloned());
    }
    committed
}

fn statement(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(|_| ())
}

fn of_step(error: rusqlite::Error) -> Error {
    StepError::from(error).into()
}
