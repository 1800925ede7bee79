//! What all jobs of a runner share.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, Semaphore};

use crate::{
    client::Client, quick_failures::QuickFailures, registration::Load, settings::Settings,
    shutdown::Shutdown,
};

#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) settings: Arc<Settings>,
    pub(crate) client: Client,
    /// As many permits as `settings.units`. A running job holds one for each of its units.
    pub(crate) units: Arc<Semaphore>,
    pub(crate) shutdown: Shutdown,
    /// Notified after a job has given its units back.
    pub(crate) units_freed: Arc<Notify>,
    /// Tells that this runner can't run jobs (its disk is full, say), so that it ends.
    pub(crate) runner_fault: Arc<RunnerFault>,
    pub(crate) quick_failures: Arc<QuickFailures>,
    /// What runs here, as the server is told.
    pub(crate) load: Arc<Load>,
}

/// Why a runner can't run jobs, once that is known.
#[derive(Debug, Default)]
pub(crate) struct RunnerFault {
    why: Mutex<Option<String>>,
    found: Notify,
}

impl RunnerFault {
    /// The first report is what the runner says at its end.
    pub(crate) fn report(&self, why: String) {
        let mut first = self.why.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert(why);
        self.found.notify_one();
    }

    /// Returns once there is a report.
    pub(crate) async fn found(&self) -> String {
        self.found.notified().await;
        let why = self.why.lock().unwrap_or_else(PoisonError::into_inner);
        why.clone().unwrap_or_default()
    }
}
