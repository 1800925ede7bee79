//! What the gateway is built on: the services that it calls, and its options.

use std::{fmt, sync::Arc, time::Duration};

use spiderq_core::{
    MemoryBudget,
    limits::{DEFAULT_HTTP_TIMEOUT, DEFAULT_MAX_BODY_BYTES},
};
use spiderq_proto::v1::{
    api_key_service_server::ApiKeyService, job_output_service_server::JobOutputService,
    job_queue_service_server::JobQueueService, job_service_server::JobService,
    project_service_server::ProjectService, runner_service_server::RunnerService,
};

use crate::{known_callers::KnownCallers, web::PageOptions};

const DEFAULT_PUBLIC_URL: &str = "http://127.0.0.1:6900";

/// The services that the gateway calls, each as its generated trait: in this process
/// (a call costs no encoding) or behind a channel ([`crate::upstream()`]).
#[derive(Clone)]
pub struct Services {
    /// Used by the dash family, by job metadata and by `jobq/P/count`.
    pub jobs: Arc<dyn JobService>,
    /// Used by `/jobq/…`, which workers call.
    pub queue: Arc<dyn JobQueueService>,
    /// What jobs put out.
    pub output: Arc<dyn JobOutputService>,
    /// Projects with their spiders and settings, and the server's time.
    pub projects: Arc<dyn ProjectService>,
    /// Asked which runners there are.
    pub runners: Arc<dyn RunnerService>,
    /// Asked whose API key it is, and for sessions; the gateway creates and revokes no key.
    pub api_keys: Arc<dyn ApiKeyService>,
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services").finish_non_exhaustive()
    }
}

/// What an operator may choose.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where clients reach this server, without a path: `http://127.0.0.1:6900`. Jobs get it
    /// as their `api_url`.
    pub public_url: String,
    /// Limit of a request body in bytes, counted after decompression.
    pub max_body: usize,
    /// For the bodies of requests under way.
    pub memory: MemoryBudget,
    /// Web origins of other sites whose pages may write, or `*`.
    pub allowed_origins: Vec<String>,
    /// How long a response may take to begin once its request has arrived.
    pub timeout: Duration,
    /// How the web page is served; `None`: there is none, and no sessions.
    pub page: Option<PageOptions>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            public_url: DEFAULT_PUBLIC_URL.to_owned(),
            max_body: DEFAULT_MAX_BODY_BYTES,
            memory: MemoryBudget::unlimited(),
            allowed_origins: Vec::new(),
            timeout: DEFAULT_HTTP_TIMEOUT,
            page: Some(PageOptions::default()),
        }
    }
}

/// What all handlers share.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) services: Services,
    pub(crate) options: Options,
    pub(crate) known_callers: KnownCallers,
}
