//! Follows a job's program from its start to its end: stores what it says and stops it when it must
//! be stopped. A job ends once its process has exited and its pipe and outputs are closed.

use std::{io, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until, timeout},
};

use crate::{
    child::Child,
    close_reason::{Ending, Exit, StopReason},
    fifo::Fifo,
    heartbeat::{Heartbeat, Instruction},
    output_sender::OutputSender,
    output_sink::{Effect, OutputSink},
    quick_failures::{QUICK, Sign},
    settings::OnDrain,
    shutdown::Shutdown,
    terminal::Row,
};

/// How long the pipe and the outputs may stay open after the process has exited: whatever still
/// holds them then is no longer the job.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the system may take to end a killed process.
const KILL_TIMEOUT: Duration = Duration::from_secs(10);
/// How many printed lines are stored before messages, heartbeats and deadlines have their turn.
const MAX_PRINTED_BATCH: usize = 256;
/// Stands for no deadline.
const FAR_FUTURE: Duration = Duration::from_secs(86_400);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) runtime: Option<Duration>,
    /// How long the job may run without progress.
    pub(crate) stall: Option<Duration>,
    /// From the request to stop until the process is killed.
    pub(crate) cancel_grace: Duration,
    /// What becomes of the job if the runner ends.
    pub(crate) on_drain: OnDrain,
}

#[derive(Debug)]
pub(crate) struct JobProcess {
    child: Child,
    fifo: Fifo,
    printed: mpsc::Receiver<String>,
    printed_open: bool,
    limits: Limits,
    row: Row,
    started: Instant,
    last_progress: Instant,
    exit: Option<(Exit, Instant)>,
    stop: Option<(StopReason, Instant)>,
    killed: bool,
    write_failed: bool,
}

#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) exit: Exit,
    pub(crate) close_reason: String,
    /// The job goes back to the queue.
    pub(crate) requeued: bool,
    /// A file of the job could not be written.
    pub(crate) write_failed: bool,
    /// What the job says of the runner.
    pub(crate) sign: Sign,
}

impl JobProcess {
    pub(crate) fn new(
        child: Child,
        fifo: Fifo,
        printed: mpsc::Receiver<String>,
        limits: Limits,
        row: Row,
    ) -> Self {
        let now = Instant::now();
        Self {
            child,
            fifo,
            printed,
            printed_open: true,
            limits,
            row,
            started: now,
            last_progress: now,
            exit: None,
            stop: None,
            killed: false,
            write_failed: false,
        }
    }

    /// `None`: the lease is lost, and the process was killed.
    pub(crate) async fn run_to_end(
        mut self,
        sink: &mut OutputSink,
        heartbeat: &mut Heartbeat,
        shutdown: &mut Shutdown,
        sender: &mut Option<OutputSender>,
    ) -> Option<Ended> {
        loop {
            if let Some((exit, _)) = self.exit
                && self.fifo.has_ended()
                && !self.printed_open
            {
                return Some(self.ended(exit, sink));
            }
            let deadline = self.deadline();
            tokio::select! {
                lines = self.fifo.read() => {
                    for line in lines {
                        self.row.started();
                        self.apply(sink.piped(&line), heartbeat).await;
                    }
                    self.apply(sink.flush().map(|()| Effect::None), heartbeat).await;
                }
                line = self.printed.recv(), if self.printed_open => {
                    self.store_printed(line, sink, heartbeat).await;
                }
                instruction = heartbeat.instruction() => match instruction {
                    Instruction::Stop => self.stop(StopReason::Cancelled).await,
                    Instruction::Abandon => {
                        self.kill_and_wait().await;
                        return None;
                    }
                },
                exit = self.child.wait(), if self.exit.is_none() => {
                    self.exited(exit.unwrap_or(Exit::Code(1)));
                }
                () = shutdown.stopping(), if self.stop.is_none() => {
                    self.stop(match self.limits.on_drain {
                        OnDrain::Finish => StopReason::Shutdown,
                        OnDrain::Requeue => StopReason::Requeue,
                    }).await;
                }
                () = too_large(sender), if self.stop.is_none() => {
                    self.stop(StopReason::OutputLimit).await;
                }
                () = sleep_until(deadline) => self.enforce_deadline().await,
            }
        }
    }

    /// Stores a printed line and those that wait behind it. `None`: both outputs have ended.
    async fn store_printed(
        &mut self,
        line: Option<String>,
        sink: &mut OutputSink,
        heartbeat: &Heartbeat,
    ) {
        let Some(mut line) = line else {
            self.printed_open = false;
            return;
        };
        self.row.started();
        for _ in 0..MAX_PRINTED_BATCH {
            self.apply(sink.printed(&line), heartbeat).await;
            match self.printed.try_recv() {
                Ok(next) => line = next,
                Err(_) => break,
            }
        }
        self.apply(sink.flush().map(|()| Effect::None), heartbeat).await;
    }

    async fn apply(&mut self, effect: io::Result<Effect>, heartbeat: &Heartbeat) {
        match effect {
            Ok(Effect::None) => {}
            Ok(Effect::Progress) => {
                self.last_progress = Instant::now();
                self.row.progress(self.last_progress);
            }
            Ok(Effect::Stats(stats)) => heartbeat.send_stats(stats),
            Ok(Effect::Full) => self.stop(StopReason::OutputLimit).await,
            Err(error) if self.stop.is_none() => {
                tracing::error!(%error, "writing logs or items failed; stopping the job");
                self.stop(StopReason::WriteFailed).await;
                self.write_failed = true;
            }
            // A job that is being stopped loses what it still says, and nothing else.
            Err(_) => {}
        }
    }

    async fn stop(&mut self, reason: StopReason) {
        if self.stop.is_none() && self.exit.is_none() {
            self.stop = Some((reason, Instant::now()));
            self.row.stopping();
            self.child.terminate().await;
        }
    }

    fn exited(&mut self, exit: Exit) {
        self.exit = Some((exit, Instant::now()));
        self.fifo.release_writer();
    }

    /// When [`Self::enforce_deadline`] has something to do.
    fn deadline(&self) -> Instant {
        let never = Instant::now() + FAR_FUTURE;
        if let Some((_, at)) = self.exit {
            return at + DRAIN_TIMEOUT;
        }
        match self.stop {
            Some(_) if self.killed => never,
            Some((_, at)) => at + self.limits.cancel_grace,
            None => {
                let runtime = self.limits.runtime.map(|limit| self.started + limit);
                let stall = self.limits.stall.map(|limit| self.last_progress + limit);
                runtime.into_iter().chain(stall).min().unwrap_or(never)
            }
        }
    }

    async fn enforce_deadline(&mut self) {
        let now = Instant::now();
        if now < self.deadline() {
            return;
        }
        if self.exit.is_some() {
            tracing::warn!("output still open after the process has exited; closing it");
            self.fifo.close();
            self.printed_open = false;
        } else if self.stop.is_some() {
            self.killed = true;
            self.child.kill();
        } else if self.limits.runtime.is_some_and(|limit| now >= self.started + limit) {
            self.stop(StopReason::RuntimeLimit).await;
        } else {
            self.stop(StopReason::StallLimit).await;
        }
    }

    async fn kill_and_wait(&mut self) {
        self.child.kill();
        if self.exit.is_none() {
            // After the timeout the process is left to the system, which could not end it.
            let _ = timeout(KILL_TIMEOUT, self.child.wait()).await;
        }
    }

    fn ended(&self, exit: Exit, sink: &OutputSink) -> Ended {
        // Output may also be lost after the exit, or after another stop.
        let stop = match sink.is_full() {
            true => Some(StopReason::OutputLimit),
            false => self.stop.map(|(reason, _)| reason),
        };
        let ending = Ending { exit, finish: sink.finish(), stop, killed: self.killed };
        let close_reason = ending.close_reason().to_owned();
        let sign = self.sign(exit, sink);
        let requeued = ending.is_requeued();
        Ended { exit, close_reason, requeued, write_failed: self.write_failed, sign }
    }

    fn sign(&self, exit: Exit, sink: &OutputSink) -> Sign {
        let ended = self.exit.map_or_else(Instant::now, |(_, at)| at);
        if sink.has_spoken() || exit == Exit::Code(0) {
            return Sign::Works;
        }
        match self.stop {
            Some(_) => Sign::Nothing,
            None if exit.is_not_run() => Sign::NotRun,
            None if ended - self.started < QUICK => Sign::QuickFailure,
            None => Sign::Works,
        }
    }
}

/// Never, if nothing is sent.
async fn too_large(sender: &mut Option<OutputSender>) {
    match sender {
        Some(sender) => sender.too_large().await,
        None => std::future::pending().await,
    }
}
