//! How far the runner itself is on its way to its end.

use std::io;

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

/// Where a runner stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// It takes jobs.
    Taking,
    /// It takes no more, and waits for those that run.
    Draining,
    /// It stops those that run.
    Stopping,
}

/// The signals that bring it from one to the next.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(crate) fn catch() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Moves `phase` at each signal; done at the third, when nothing is waited for.
    pub(crate) async fn lead(mut self, phase: watch::Sender<Phase>) {
        self.next().await;
        tracing::info!(
            "taking no more jobs; waiting for those that run, a second signal stops them"
        );
        phase.send_replace(Phase::Draining);
        self.next().await;
        tracing::info!("stopping the jobs that run; a third signal ends them");
        phase.send_replace(Phase::Stopping);
        self.next().await;
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
