//! A store in memory, for tests: plain maps behind one mutex, and no index. Every call looks
//! at all jobs of its project, so that each rule of the store traits can be read off directly.
//! The random comparison holds SQLite and Redis against this store.
//!
//! Nothing survives the process. Events and answers to request ids are kept as long as the
//! traits ask for at least.

mod api_keys;
mod audit;
mod events;
mod jobs;
mod limits;
mod project;
mod projects;
mod queue;
mod request_ids;
mod runners;
mod upkeep;

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use spiderq_core::model::{Millis, ProjectId};

use self::{api_keys::ApiKeys, audit::Audit, project::Project, runners::Runners};

/// A store that ends with its process. Safe to share between tasks: each call is one step
/// under the mutex.
#[derive(Debug, Default)]
pub struct MemoryStore {
    // One mutex for all, since `due` and `get` read several projects at one moment.
    projects: Mutex<BTreeMap<ProjectId, Project>>,
    api_keys: Mutex<ApiKeys>,
    audit: Mutex<Audit>,
    runners: Mutex<Runners>,
    last_round: Mutex<Option<Millis>>,
    event_reads: AtomicUsize,
    rounds_are_away: AtomicBool,
    runners_are_away: AtomicBool,
    runner_looks: AtomicUsize,
}

impl MemoryStore {
    /// A store without projects and API keys.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How often events were asked for.
    #[must_use]
    pub fn event_reads(&self) -> usize {
        self.event_reads.load(Ordering::Relaxed)
    }

    /// Whether the time of the last round can't be asked from now on, as while the master that has it
    /// is away.
    pub fn set_rounds_away(&self, away: bool) {
        self.rounds_are_away.store(away, Ordering::Relaxed);
    }

    /// Whether runners can't be asked for from now on, as while the master that has them is away.
    pub fn set_runners_away(&self, away: bool) {
        self.runners_are_away.store(away, Ordering::Relaxed);
    }

    /// How often the statuses of runners were asked for.
    #[must_use]
    pub fn runner_looks(&self) -> usize {
        self.runner_looks.load(Ordering::Relaxed)
    }

    /// A step on one project. Reading a project that was never used leaves an empty entry, which
    /// does not exist for callers ([`Project::exists`]).
    fn with<T>(&self, id: ProjectId, step: impl FnOnce(&mut Project) -> T) -> T {
        step(lock(&self.projects).entry(id).or_insert_with(|| Project::new(id)))
    }
}

/// A test that panics under the lock must not hide its message behind poisoned mutexes.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
