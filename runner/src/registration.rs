//! Registers the runner with the server and reports how it is, every few seconds and at each step
//! of its end. Jobs are taken all the same where that fails.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI32, Ordering},
    },
    time::Duration,
};

use spiderq_core::limits::RUNNER_REPORT_INTERVAL;
use spiderq_proto::{
    time::timestamp,
    v1::{Runner, RunnerSpiders, RunnerState, RunnerStatus},
};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::{
    client::{CallError, Client},
    clock::now_ms,
    settings::Settings,
    shutdown::Shutdown,
};

/// How long the end of a runner waits for the server to hear of it.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(3);

/// The jobs that a runner has under way, and their units.
#[derive(Debug, Default)]
pub(crate) struct Load {
    jobs: AtomicI32,
    units: AtomicI32,
}

impl Load {
    /// Counts a job until the guard is dropped.
    pub(crate) fn add(self: &Arc<Self>, units: u32) -> LoadGuard {
        let units = i32::try_from(units).unwrap_or(i32::MAX);
        self.jobs.fetch_add(1, Ordering::Relaxed);
        self.units.fetch_add(units, Ordering::Relaxed);
        LoadGuard { load: Arc::clone(self), units }
    }
}

/// A job under way.
#[derive(Debug)]
pub(crate) struct LoadGuard {
    load: Arc<Load>,
    units: i32,
}

impl Drop for LoadGuard {
    fn drop(&mut self) {
        self.load.jobs.fetch_sub(1, Ordering::Relaxed);
        self.load.units.fetch_sub(self.units, Ordering::Relaxed);
    }
}

/// What a runner says of itself.
#[derive(Debug)]
pub(crate) struct Registration {
    client: Client,
    runner: Runner,
    load: Arc<Load>,
    data_dir: PathBuf,
    is_registered: bool,
    /// The last failure, which is logged once.
    failure: Option<String>,
}

impl Registration {
    /// `spiders` of its code; `None`: not known.
    pub(crate) fn new(
        settings: &Settings,
        client: Client,
        load: Arc<Load>,
        spiders: Option<Vec<String>>,
    ) -> Self {
        let runner = Runner {
            id: Uuid::now_v7().to_string(),
            name: settings.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            projects: settings.projects.clone(),
            only_spiders: settings.spiders.clone(),
            has_tags: settings.tags.clone(),
            lacks_tags: settings.lacks_tags.clone(),
            units: i32::try_from(settings.units).unwrap_or(i32::MAX),
            spiders: spiders.map(|names| RunnerSpiders { names }),
            start_time: i64::try_from(now_ms()).ok().map(timestamp),
            status: None,
        };
        let data_dir = settings.data_dir.clone();
        Self { client, runner, load, data_dir, is_registered: false, failure: None }
    }

    /// Reports until it is dropped.
    pub(crate) async fn keep(&mut self, mut shutdown: Shutdown) {
        let mut state = RunnerState::Active;
        loop {
            self.report(state).await;
            tokio::select! {
                () = sleep(RUNNER_REPORT_INTERVAL) => {}
                () = shutdown.draining(), if state == RunnerState::Active => {
                    state = RunnerState::Draining;
                }
            }
        }
    }

    /// The last report. A server that does not answer holds up no end.
    pub(crate) async fn end(&mut self) {
        let _ = timeout(FAREWELL_TIMEOUT, self.report(RunnerState::Stopped)).await;
    }

    async fn report(&mut self, state: RunnerState) {
        let status = RunnerStatus {
            state: state.into(),
            running_jobs: self.load.jobs.load(Ordering::Relaxed),
            running_units: self.load.units.load(Ordering::Relaxed),
            free_disk_bytes: free_disk(&self.data_dir),
            report_time: None,
        };
        let mut reported = match self.is_registered {
            true => self.client.report_runner(self.runner.id.clone(), status).await,
            false => self.register(status).await,
        };
        if matches!(reported, Err(CallError::LeaseLost)) && self.is_registered {
            // The server has forgotten it.
            reported = self.register(status).await;
        }
        self.note(reported);
    }

    /// Where the server has no room for the names of its spiders, without them.
    async fn register(&mut self, status: RunnerStatus) -> Result<(), CallError> {
        let registered = self.client.register_runner(self.runner.clone(), status).await;
        let Err(CallError::Rejected(why)) = &registered else { return registered };
        let Some(spiders) = self.runner.spiders.take() else { return registered };
        let again = self.client.register_runner(self.runner.clone(), status).await;
        match again {
            Ok(()) => tracing::warn!(why, "the server does not know the spiders of this runner"),
            Err(_) => self.runner.spiders = Some(spiders),
        }
        again
    }

    fn note(&mut self, reported: Result<(), CallError>) {
        let failure = reported.err().map(|error| error.to_string());
        self.is_registered = self.is_registered || failure.is_none();
        if failure != self.failure
            && let Some(why) = &failure
        {
            tracing::warn!(why, "the server does not list this runner");
        }
        self.failure = failure;
    }
}

/// Bytes that jobs may still write in `folder`; `None`: the system does not say.
fn free_disk(folder: &Path) -> Option<i64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    i64::try_from(found.f_bavail.checked_mul(found.f_frsize)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_under_way_are_counted_with_their_units() {
        let load = Arc::new(Load::default());
        let counts = || [&load.jobs, &load.units].map(|count| count.load(Ordering::Relaxed));
        let first = load.add(2);
        let second = load.add(3);
        assert_eq!(counts(), [2, 5]);
        drop(first);
        assert_eq!(counts(), [1, 3]);
        drop(second);
        assert_eq!(counts(), [0, 0]);
    }

    #[test]
    fn a_disk_has_free_bytes_and_a_folder_that_is_not_there_none() {
        let folder = tempfile::tempdir().unwrap();
        assert!(free_disk(folder.path()).unwrap() > 0);
        assert_eq!(free_disk(&folder.path().join("missing")), None);
    }
}
