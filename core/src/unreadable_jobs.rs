//! Pending jobs whose records could not be read: claims pass over them, so that they hold up no
//! others. Remembered while the store is open; a later version, or a repair, may read them.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::model::{JobKey, ProjectId};

/// By project, and by what names a job in a claim of the store; no other job of the project may ever
/// be named so.
#[derive(Debug)]
pub struct UnreadableJobs<P>(Mutex<BTreeMap<ProjectId, BTreeSet<P>>>);

impl<P> Default for UnreadableJobs<P> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<P: Ord + Clone> UnreadableJobs<P> {
    /// Remembers one, and logs it if it is new.
    pub fn note(&self, job: JobKey, place: P, source: &dyn Error) {
        if self.jobs().entry(job.project).or_default().insert(place) {
            tracing::error!(
                %job, %source,
                "the record of a pending job cannot be read: it is not started; run `spiderq fsck`"
            );
        }
    }

    /// Those of a project.
    #[must_use]
    pub fn of(&self, project: ProjectId) -> BTreeSet<P> {
        self.jobs().get(&project).cloned().unwrap_or_default()
    }

    fn jobs(&self) -> MutexGuard<'_, BTreeMap<ProjectId, BTreeSet<P>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
