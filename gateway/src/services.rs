//! What the gateway is built on: the services it calls and its few settings.

use std::{fmt, sync::Arc, time::Duration};

use spiderq_proto::v1::{
    job_queue_service_server::JobQueueService, job_service_server::JobService,
    key_service_server::KeyService, project_service_server::ProjectService,
};

/// The services that answer, as the generated traits.
#[derive(Clone)]
pub struct Services {
    /// What people and programs do with jobs.
    pub jobs: Arc<dyn JobService>,
    /// The queue and its workers.
    pub queue: Arc<dyn JobQueueService>,
    /// Projects, spiders, settings.
    pub projects: Arc<dyn ProjectService>,
    /// API keys.
    pub keys: Arc<dyn KeyService>,
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services").finish_non_exhaustive()
    }
}

/// Settings of the gateway.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where clients reach this server, without a path: `http://127.0.0.1:6900`.
    pub public_url: String,
    /// Most bytes of a request body, after decompression.
    pub max_body: usize,
    /// How long an answer may take to begin.
    pub timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            public_url: "http://127.0.0.1:6900".to_owned(),
            max_body: 16 << 20,
            timeout: Duration::from_secs(30),
        }
    }
}

/// What all handlers share.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) services: Services,
    pub(crate) options: Options,
}
