//! Progress: the counters of running jobs, read about once a second of each project of which
//! somebody in this process watches them. Heartbeats cost nothing more for it, whoever takes them:
//! another process on the same store may.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use spiderq_core::{
    error::Result,
    limits::{MAX_BATCH, MAX_PROGRESS_JOBS, PROGRESS_INTERVAL},
    model::{Counters, FieldSelection, Filter, JobKey, ProjectId, State, StateSet},
    store::Store,
};

/// Of the time, reading may take one part in so many: where there is much to read, it is read less
/// often.
const REST: u32 = 10;

/// What a running job has counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Which job.
    pub key: JobKey,
    /// The attempt that runs.
    pub attempt: u32,
    /// What its worker reported last.
    pub counters: Counters,
}

/// The counters of every project of which somebody watches them.
#[derive(Debug, Default)]
pub(super) struct AllProgress(Mutex<HashMap<ProjectId, Weak<ProjectProgress>>>);

impl AllProgress {
    /// Begins to read those of a project, if nobody did before.
    pub(super) fn of(&self, store: &Arc<dyn Store>, project: ProjectId) -> ProgressWatch {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.get(&project).and_then(Weak::upgrade) {
            return ProgressWatch::new(known);
        }
        all.retain(|_, progress| progress.strong_count() > 0);
        let new = Arc::new(ProjectProgress::default());
        all.insert(project, Arc::downgrade(&new));
        tokio::spawn(read_on(Arc::clone(store), project, Arc::downgrade(&new)));
        ProgressWatch::new(new)
    }
}

/// What was read of one project.
#[derive(Debug, Default)]
struct ProjectProgress {
    kept: Mutex<Kept>,
    /// [`Kept::round`], for those who wait for the next.
    rounds: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Kept {
    /// Number of the last round of reading that found a change; 0 before the first round.
    round: u64,
    /// The running jobs, each with the number of the round that found it changed.
    jobs: HashMap<JobKey, (u64, Progress)>,
}

impl ProjectProgress {
    /// Keeps what a round found.
    fn keep(&self, found: Vec<Progress>) {
        let mut kept = self.lock();
        let round = kept.round + 1;
        let before = std::mem::take(&mut kept.jobs);
        let mut is_changed = false;
        for progress in found {
            let known = before.get(&progress.key);
            let same = known.filter(|(_, known)| *known == progress);
            // One that has counted nothing yet has no progress to tell.
            let has_counted = known.is_some() || progress.counters != Counters::default();
            let since = match same {
                Some((since, _)) => *since,
                None if has_counted => round,
                None => 0,
            };
            is_changed |= since == round;
            kept.jobs.insert(progress.key, (since, progress));
        }
        // The first round is waited for, whatever it found.
        if is_changed || round == 1 {
            kept.round = round;
            self.rounds.send_replace(round);
        }
    }

    /// Lets nobody wait for a first round that failed.
    fn begin(&self) {
        let mut kept = self.lock();
        if kept.round == 0 {
            kept.round = 1;
            self.rounds.send_replace(1);
        }
    }

    /// What changed after a round, and the last round.
    fn after(&self, round: u64) -> (Vec<Progress>, u64) {
        let kept = self.lock();
        let changed = kept.jobs.values().filter(|(since, _)| *since > round);
        let mut changed: Vec<Progress> = changed.map(|(_, progress)| *progress).collect();
        changed.sort_unstable_by_key(|progress| progress.key);
        (changed, kept.round)
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells how far jobs are, from when it began.
#[derive(Debug)]
pub(super) struct ProgressWatch {
    project: Arc<ProjectProgress>,
    rounds: watch::Receiver<u64>,
    /// The last round whose changes were told.
    told: u64,
}

impl ProgressWatch {
    fn new(project: Arc<ProjectProgress>) -> Self {
        let rounds = project.rounds.subscribe();
        Self { project, rounds, told: 0 }
    }

    /// Waits until the running jobs were read once. What they have counted by then is not told.
    pub(super) async fn begin(&mut self) {
        // An error can't come: the sender is held here.
        if let Ok(round) = self.rounds.wait_for(|round| *round > 0).await {
            self.told = *round;
        }
    }

    /// Returns when there is something to [take](Self::take). May be dropped at any time.
    pub(super) async fn changed(&mut self) {
        let _ = self.rounds.changed().await;
    }

    /// What changed since the last call, by job: what it is now, however often it changed.
    pub(super) fn take(&mut self) -> Vec<Progress> {
        self.rounds.mark_unchanged();
        let (changed, round) = self.project.after(self.told);
        self.told = round;
        changed
    }
}

/// Reads on until nobody watches any more.
async fn read_on(store: Arc<dyn Store>, project: ProjectId, progress: Weak<ProjectProgress>) {
    loop {
        let begun = Instant::now();
        let read = running(store.as_ref(), project).await;
        let Some(progress) = progress.upgrade() else { return };
        match read {
            Ok(found) => progress.keep(found),
            // The watch itself reads the store too, and ends with the error.
            Err(error) => {
                tracing::debug!(%project, %error, "can't read progress");
                progress.begin();
            }
        }
        drop(progress);
        sleep_until(begun + PROGRESS_INTERVAL.max(begun.elapsed() * REST)).await;
    }
}

/// The running jobs, the latest first, at most [`MAX_PROGRESS_JOBS`].
async fn running(store: &dyn Store, project: ProjectId) -> Result<Vec<Progress>> {
    let mut filter = Filter { states: StateSet::from_iter([State::Running]), ..Filter::default() };
    let mut found = Vec::new();
    loop {
        let page = store.page(project, &filter, MAX_BATCH, &FieldSelection::Row).await?;
        found.extend(page.jobs.iter().map(|job| Progress {
            key: job.key,
            attempt: job.attempt,
            counters: job.counters,
        }));
        match page.next {
            Some(next) if found.len() < MAX_PROGRESS_JOBS => filter.until = Some(next),
            Some(_) | None => return Ok(found),
        }
    }
}

#[cfg(test)]
mod tests;
