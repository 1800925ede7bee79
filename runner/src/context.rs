//! What all jobs of a runner share.

use std::sync::Arc;

use tokio::sync::{Notify, Semaphore};

use crate::{client::Client, settings::Settings, shutdown::Shutdown};

#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) settings: Arc<Settings>,
    pub(crate) client: Client,
    /// As many permits as `settings.units`. A running job holds one for each of its units.
    pub(crate) units: Arc<Semaphore>,
    pub(crate) shutdown: Shutdown,
    /// Notified after a job has given its units back.
    pub(crate) units_freed: Arc<Notify>,
    /// Notified when this runner can't run jobs (its disk is full, say), so that it ends.
    pub(crate) runner_failed: Arc<Notify>,
}
