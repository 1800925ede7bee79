//! Pending jobs whose records could not be read: claims pass over them, so that they hold up no
//! others. Remembered while the store is open; a later version, or a repair, may read them.

use std::{
    collections::BTreeSet,
    error::Error,
    sync::{Mutex, MutexGuard, PoisonError},
};

use spiderq_core::model::{JobKey, ProjectId};

/// By project and position. No other job of the project ever gets that position, unlike a row's
/// number.
#[derive(Debug, Default)]
pub(crate) struct UnreadableJobs(Mutex<BTreeSet<(ProjectId, i64)>>);

impl UnreadableJobs {
    /// Remembers one, and logs it.
    pub(crate) fn note(&self, job: JobKey, position: i64, source: &dyn Error) {
        if self.jobs().insert((job.project, position)) {
            tracing::error!(
                %job, %source,
                "the record of a pending job cannot be read: it is not started; run `spiderq fsck`"
            );
        }
    }

    /// The positions of those of a project.
    pub(crate) fn positions(&self, project: ProjectId) -> BTreeSet<i64> {
        let of_project = (project, i64::MIN)..=(project, i64::MAX);
        self.jobs().range(of_project).map(|(_, position)| *position).collect()
    }

    fn jobs(&self) -> MutexGuard<'_, BTreeSet<(ProjectId, i64)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
