//! A job's program from its start to its end: its messages are read as they come, and it is
//! stopped when it must be. The job is over when its process has ended *and* its pipe has.

use std::{io, time::Duration};

use tokio::{
    io::AsyncReadExt as _,
    net::unix::pipe::{Receiver, Sender},
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};

use crate::{
    child::Child,
    lines::Lines,
    message,
    outcome::{Ending, Exit, Stop},
    phase::Phase,
    pulse::{Pulse, Told},
    record::{News, Record},
};

/// How long the pipe and the outputs may stay open after the process has ended: what still
/// holds them then is not the job.
const DRAIN: Duration = Duration::from_secs(10);
/// How long the system may take to end a process that was killed.
const DYING: Duration = Duration::from_secs(10);

/// Most lines that are taken before there is time for anything else.
const BATCH: usize = 256;

/// How long what may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) runtime: Option<Duration>,
    pub(crate) stall: Option<Duration>,
    pub(crate) grace: Duration,
}

/// A running program, and all that comes from it.
#[derive(Debug)]
pub(crate) struct Crawl {
    child: Child,
    pipe: Option<Receiver>,
    sender: Option<Sender>,
    printed: mpsc::Receiver<String>,
    printing: bool,
    limits: Limits,
    started: Instant,
    progress: Instant,
    exit: Option<(Exit, Instant)>,
    stop: Option<(Stop, Instant)>,
    killed: bool,
    unfit: bool,
}

/// How it went.
#[derive(Debug)]
pub(crate) enum Went {
    /// It came to its end.
    Ended {
        /// How the process ended.
        exit: Exit,
        /// Why.
        close_reason: String,
        /// Whether this runner could not write its files.
        unfit: bool,
    },
    /// The job is no longer ours.
    Lost,
}

impl Crawl {
    pub(crate) fn new(
        child: Child,
        (pipe, sender): (Receiver, Sender),
        printed: mpsc::Receiver<String>,
        limits: Limits,
    ) -> Self {
        let now = Instant::now();
        Self {
            child,
            pipe: Some(pipe),
            sender: Some(sender),
            printed,
            printing: true,
            limits,
            started: now,
            progress: now,
            exit: None,
            stop: None,
            killed: false,
            unfit: false,
        }
    }

    /// Follows it to its end.
    pub(crate) async fn follow(
        mut self,
        record: &mut Record,
        pulse: &mut Pulse,
        phase: &mut watch::Receiver<Phase>,
    ) -> Went {
        let mut bytes = vec![0; 64 << 10];
        let mut lines = Lines::new(message::MOST_BYTES);
        let exit = loop {
            if let Some((exit, _)) = self.exit
                && self.pipe.is_none()
                && !self.printing
            {
                break exit;
            }
            let due = self.due();
            tokio::select! {
                count = read(&mut self.pipe, &mut bytes) => {
                    self.take(count, &bytes, &mut lines, record, pulse).await;
                }
                line = self.printed.recv(), if self.printing => match line {
                    Some(line) => self.print(line, record).await,
                    None => self.printing = false,
                },
                told = pulse.told() => match told {
                    Told::Stop => self.stop(Stop::Cancelled).await,
                    Told::Lost => return self.lose().await,
                },
                exit = self.child.wait(), if self.exit.is_none() => {
                    self.ended(exit.unwrap_or(Exit::Code(1)));
                }
                () = stopping(phase), if self.stop.is_none() => self.stop(Stop::Shutdown).await,
                () = sleep_until(due) => self.overdue().await,
            }
        };
        let ending = Ending {
            exit,
            finish: record.finish(),
            stop: self.stop.map(|(stop, _)| stop),
            killed: self.killed,
        };
        let close_reason = ending.close_reason().to_owned();
        let unfit = self.unfit;
        Went::Ended { exit, close_reason, unfit }
    }

    /// Takes what came through the pipe; nothing: its end.
    async fn take(
        &mut self,
        count: usize,
        bytes: &[u8],
        lines: &mut Lines,
        record: &mut Record,
        pulse: &Pulse,
    ) {
        let whole = match count {
            0 => {
                self.pipe = None;
                lines.rest().into_iter().collect()
            }
            count => lines.push(&bytes[..count]),
        };
        for line in whole {
            let news = record.line(&line);
            if let Ok(News::Stats(stats)) = &news {
                pulse.send_stats(stats.clone());
            }
            self.keep(news).await;
        }
        self.keep(record.flush().map(|()| News::None)).await;
    }

    /// Takes a line that was printed, and those that came with it.
    async fn print(&mut self, line: String, record: &mut Record) {
        self.keep(record.printed(&line)).await;
        for _ in 0..BATCH {
            let Ok(line) = self.printed.try_recv() else {
                break;
            };
            self.keep(record.printed(&line)).await;
        }
        self.keep(record.flush().map(|()| News::None)).await;
    }

    async fn keep(&mut self, news: io::Result<News>) {
        match news {
            Ok(News::Progress) => self.progress = Instant::now(),
            Ok(News::None | News::Stats(_)) => {}
            Err(error) if self.stop.is_none() => {
                tracing::error!(%error, "can't write logs and items; the job is stopped");
                self.stop(Stop::NoFiles).await;
                self.unfit = true;
            }
            Err(_) => {}
        }
    }

    async fn stop(&mut self, why: Stop) {
        if self.stop.is_none() && self.exit.is_none() {
            self.stop = Some((why, Instant::now()));
            self.child.terminate().await;
        }
    }

    fn ended(&mut self, exit: Exit) {
        self.exit = Some((exit, Instant::now()));
        // With ours the last end for writing is closed, and reading comes to its end.
        self.sender = None;
    }

    /// When [`Self::overdue`] has something to do.
    fn due(&self) -> Instant {
        let never = Instant::now() + Duration::from_secs(86_400);
        if let Some((_, at)) = self.exit {
            return at + DRAIN;
        }
        match self.stop {
            Some(_) if self.killed => never,
            Some((_, at)) => at + self.limits.grace,
            None => {
                let runtime = self.limits.runtime.map(|limit| self.started + limit);
                let stall = self.limits.stall.map(|limit| self.progress + limit);
                runtime.into_iter().chain(stall).min().unwrap_or(never)
            }
        }
    }

    async fn overdue(&mut self) {
        let now = Instant::now();
        if now < self.due() {
            return;
        }
        if self.exit.is_some() {
            tracing::warn!("something that the job left behind holds its output open");
            self.pipe = None;
            self.printing = false;
        } else if self.stop.is_some() {
            self.killed = true;
            self.child.kill();
        } else if self.limits.runtime.is_some_and(|limit| now >= self.started + limit) {
            self.stop(Stop::RuntimeLimit).await;
        } else {
            self.stop(Stop::StallLimit).await;
        }
    }

    /// Ends the process at once.
    async fn lose(mut self) -> Went {
        self.child.kill();
        if self.exit.is_none() {
            // One that the system can't end is left to it.
            let _ = tokio::time::timeout(DYING, self.child.wait()).await;
        }
        Went::Lost
    }
}

/// Never ready once the pipe has ended. An error is an end too.
async fn read(pipe: &mut Option<Receiver>, bytes: &mut [u8]) -> usize {
    match pipe {
        Some(pipe) => pipe.read(bytes).await.unwrap_or(0),
        None => std::future::pending().await,
    }
}

/// Ready when the runner stops its jobs.
async fn stopping(phase: &mut watch::Receiver<Phase>) {
    if phase.wait_for(|phase| *phase == Phase::Stopping).await.is_err() {
        std::future::pending::<()>().await;
    }
}
