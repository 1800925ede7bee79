//! The async runtime of a command, and the signals that end a server.

use std::{io, time::Duration};

use spiderq_server::Server;
use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{Signal, SignalKind, signal},
};

use crate::error::Error;

/// How long the process waits, once its command is done, for blocking work that goes on, as a
/// long read of SQLite does.
const BLOCKING_WORK_TIMEOUT: Duration = Duration::from_secs(1);

/// Runs `command` to its end on so many threads.
pub(crate) fn block_on(
    threads: u16,
    command: impl Future<Output = Result<(), Error>>,
) -> Result<(), Error> {
    let runtime = runtime(threads)?;
    let result = runtime.block_on(command);
    runtime.shutdown_timeout(BLOCKING_WORK_TIMEOUT);
    result
}

/// For one thread a current-thread runtime: responses coalesce, and a call costs half the CPU.
fn runtime(threads: u16) -> Result<Runtime, Error> {
    let mut builder = match threads {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    if threads > 1 {
        builder.worker_threads(threads.into());
    }
    builder.enable_all().build().map_err(|error| Error::new(format!("can't start: {error}")))
}

/// SIGTERM and SIGINT end a server, SIGHUP lets it read its certificate files again. Caught from
/// the moment this is made: make it before the server says that it listens, or a signal that
/// follows at once kills it without a shutdown.
pub(crate) struct Signals {
    hangup: Hangup,
    terminate: Signal,
    interrupt: Signal,
}

/// SIGHUP, which never ends a server: make this first of all.
pub(crate) struct Hangup(Signal);

impl Hangup {
    pub(crate) fn catch() -> Result<Self, Error> {
        signal(SignalKind::hangup()).map(Self).map_err(uncaught)
    }
}

fn uncaught(error: io::Error) -> Error {
    Error::new(format!("can't wait for signals: {error}"))
}

impl Signals {
    pub(crate) fn catch(hangup: Hangup) -> Result<Self, Error> {
        Ok(Self {
            hangup,
            terminate: signal(SignalKind::terminate()).map_err(uncaught)?,
            interrupt: signal(SignalKind::interrupt()).map_err(uncaught)?,
        })
    }

    /// Waits for a signal to end, then for the shutdown of `server`.
    pub(crate) async fn shut_down(mut self, server: Server) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => break,
                _ = self.interrupt.recv() => break,
                Some(()) = self.hangup.0.recv() => server.reload_certificates(),
            }
        }
        tracing::info!("stopping");
        server.shutdown().await;
        tracing::info!("stopped");
    }
}
