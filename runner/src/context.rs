//! What all jobs of a runner share.

use std::sync::Arc;

use tokio::sync::{Notify, Semaphore, watch};

use crate::{phase::Phase, queue::Queue, settings::Settings};

/// What a job is run with.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) settings: Arc<Settings>,
    pub(crate) queue: Queue,
    pub(crate) units: Arc<Semaphore>,
    pub(crate) phase: watch::Receiver<Phase>,
    /// Told when units are free again.
    pub(crate) freed: Arc<Notify>,
    /// Told when this runner can't do its work.
    pub(crate) unfit: Arc<Notify>,
}
