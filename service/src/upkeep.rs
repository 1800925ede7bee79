//! Upkeep: what a server does without being asked. Rounds of the reaper, a few a second, and of
//! retention, about one a minute, or one in 5 s while there is more to remove; about one a minute of
//! the audit; a pass over output and over runners about once an hour; and a note of which API keys were used. In every process.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt as _;
use tokio::task::JoinHandle;

use crate::domain::{Auditor, Domain, Pruner, Reaper, Sweeper};
use spiderq_core::{
    backoff::{Backoff, jittered},
    error::{Error, Result},
    limits::AUDIT_INTERVAL,
};

/// The longest pause between two rounds of the reaper.
const REAPER_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause while rounds of the reaper fail.
const MAX_REAPER_PAUSE: Duration = Duration::from_secs(4);

/// The pause before the first round over output.
const FIRST_SWEEP_PAUSE: Duration = Duration::from_secs(60);

/// The pause between two notes of the last uses of API keys.
const KEY_USES_PAUSE: Duration = Duration::from_secs(60);

/// The pause between two looks for runners to forget.
const FORGET_RUNNERS_PAUSE: Duration = Duration::from_secs(60 * 60);

/// The tasks of upkeep. They end when this is dropped.
#[derive(Debug)]
pub struct Upkeep {
    tasks: [JoinHandle<()>; 6],
    domain: Arc<Domain>,
}

impl Upkeep {
    pub(crate) fn start(domain: &Arc<Domain>) -> Self {
        let tasks = [
            tokio::spawn(reap(Reaper::new(Arc::clone(domain)))),
            tokio::spawn(prune(Pruner::new(Arc::clone(domain)))),
            tokio::spawn(sweep(Sweeper::new(Arc::clone(domain)))),
            tokio::spawn(audit(Auditor::new(Arc::clone(domain)))),
            tokio::spawn(note_key_uses(Arc::clone(domain))),
            tokio::spawn(forget_runners(Arc::clone(domain))),
        ];
        Self { tasks, domain: Arc::clone(domain) }
    }

    /// Ends the tasks, and returns when they have ended. A step of the store that is under way
    /// may still be done.
    pub async fn end(mut self) {
        for task in &mut self.tasks {
            task.abort();
            // The error says that the task was aborted.
            let _ = task.await;
        }
        if let Err(error) = self.domain.note_key_uses().await {
            tracing::warn!(%error, cause = error.cause(), "last uses of API keys were not noted");
        }
    }
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn note_key_uses(domain: Arc<Domain>) {
    let mut log = RoundLog::new("last uses of API keys");
    loop {
        sleep(KEY_USES_PAUSE).await;
        log.record(&caught(domain.note_key_uses()).await);
    }
}

async fn forget_runners(domain: Arc<Domain>) {
    let mut log = RoundLog::new("runners");
    loop {
        sleep(jittered(FORGET_RUNNERS_PAUSE)).await;
        log.record(&caught(domain.forget_runners()).await);
    }
}

async fn reap(mut reaper: Reaper) {
    let mut log = RoundLog::new("reaper");
    let mut backoff = Backoff::new(REAPER_PAUSE, MAX_REAPER_PAUSE);
    loop {
        sleep(backoff.pause()).await;
        let rounds = reaper_rounds(&mut reaper).await;
        if rounds.is_ok() {
            backoff.reset();
        }
        log.record(&rounds);
    }
}

#[expect(clippy::disallowed_methods, reason = "rounds are made at intervals, not on an event")]
async fn sleep(pause: Duration) {
    tokio::time::sleep(pause).await;
}

/// Rounds while there is work for another one.
async fn reaper_rounds(reaper: &mut Reaper) -> Result<()> {
    while caught(reaper.round()).await? {}
    Ok(())
}

async fn prune(mut pruner: Pruner) {
    let mut log = RoundLog::new("retention");
    let mut pause = Pruner::PAUSE;
    loop {
        sleep(jittered(pause)).await;
        let round = caught(pruner.round()).await;
        pause = *round.as_ref().unwrap_or(&Pruner::PAUSE);
        log.record(&round);
    }
}

async fn sweep(mut sweeper: Sweeper) {
    let mut log = RoundLog::new("output");
    // Not all processes of a store at once, and not in the first minute of one.
    let mut pause = FIRST_SWEEP_PAUSE;
    loop {
        sleep(jittered(pause)).await;
        let round = caught(sweeper.round()).await;
        pause = *round.as_ref().unwrap_or(&Sweeper::PAUSE);
        log.record(&round);
    }
}

async fn audit(mut auditor: Auditor) {
    let mut log = RoundLog::new("audit");
    loop {
        sleep(jittered(AUDIT_INTERVAL)).await;
        log.record(&caught(auditor.round()).await);
    }
}

/// A round's result; a panic is an error, so that upkeep goes on after it.
async fn caught<T>(round: impl Future<Output = Result<T>>) -> Result<T> {
    let round = AssertUnwindSafe(round).catch_unwind().await;
    round.unwrap_or_else(|_| Err(Error::bug("a round panicked")))
}

/// Logs rounds that fail, once for all that fail in a row.
struct RoundLog {
    task: &'static str,
    failing: bool,
}

impl RoundLog {
    const fn new(task: &'static str) -> Self {
        Self { task, failing: false }
    }

    fn record<T>(&mut self, round: &Result<T>) {
        let task = self.task;
        match round {
            Err(error) if !self.failing => {
                tracing::warn!(task, %error, cause = error.cause(), "upkeep interrupted");
            }
            Ok(_) if self.failing => tracing::info!(task, "upkeep resumed"),
            Ok(_) | Err(_) => {}
        }
        self.failing = round.is_err();
    }
}
