//! The orderly end of a runner: SIGTERM or SIGINT moves it from one phase to the next. SIGHUP, as
//! from a terminal that is closed, does not end it.

use std::{io, time::Duration};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
    time::sleep,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// No signal came yet: jobs are taken.
    Running,
    /// No more jobs are taken; the runner waits for those that run.
    Draining,
    /// Running jobs are asked to stop.
    Stopping,
}

/// What tasks watch to learn of a shutdown.
#[derive(Clone, Debug)]
pub(crate) struct Shutdown(watch::Receiver<Phase>);

impl Shutdown {
    pub(crate) fn channel() -> (watch::Sender<Phase>, Self) {
        let (sender, receiver) = watch::channel(Phase::Running);
        (sender, Self(receiver))
    }

    /// Returns once no more jobs may be taken.
    pub(crate) async fn draining(&mut self) {
        self.reached(Phase::Draining).await;
    }

    /// Returns once running jobs must stop.
    pub(crate) async fn stopping(&mut self) {
        self.reached(Phase::Stopping).await;
    }

    async fn reached(&mut self, phase: Phase) {
        if self.0.wait_for(|current| *current >= phase).await.is_err() {
            // The sender is gone: the runner ends at once and drops this task.
            std::future::pending::<()>().await;
        }
    }
}

/// Caught from its creation on: a signal that comes before `drive` is not lost.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    pub(crate) fn catch() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Enters the next phase at each signal; running jobs are stopped `drain` after the first one
    /// too. Returns at a signal after that: the runner must end at once.
    pub(crate) async fn drive(mut self, phase: watch::Sender<Phase>, drain: Option<Duration>) {
        self.next().await;
        let seconds = drain.map(|drain| drain.as_secs());
        tracing::info!(
            drain = seconds,
            "taking no more jobs; waiting for running jobs, a second signal stops them"
        );
        phase.send_replace(Phase::Draining);
        tokio::select! {
            () = self.next() => {}
            () = elapsed(drain) => {}
        }
        tracing::info!("stopping running jobs; another signal kills them");
        phase.send_replace(Phase::Stopping);
        self.next().await;
    }

    async fn next(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hangup.recv() => tracing::info!("SIGHUP does not end a runner"),
            }
        }
    }
}

/// Never, if there is no such time.
async fn elapsed(time: Option<Duration>) {
    match time {
        Some(time) => sleep(time).await,
        None => std::future::pending().await,
    }
}
