//! What a runner is told at its start.

use std::{fmt, path::PathBuf, time::Duration};

use tonic::transport::Endpoint;

use crate::template::Template;

/// Settings of a runner.
#[derive(Clone)]
pub struct Settings {
    /// How to reach the server.
    pub endpoint: Endpoint,
    /// Its URL, as jobs get it.
    pub server: String,
    /// A key of role worker (or more).
    pub api_key: String,
    /// Whose jobs to run; at least one.
    pub projects: Vec<i64>,
    /// Just jobs of these spiders; empty: of all.
    pub spiders: Vec<String>,
    /// Just jobs with any of these tags; empty: all.
    pub tags: Vec<String>,
    /// No jobs with any of these tags.
    pub lacks_tags: Vec<String>,
    /// Units of all jobs that run at a time; at least 1.
    pub units: u32,
    /// How long the server waits for a sign of life: 1 s to 1 h.
    pub lease: Duration,
    /// What to run for a job.
    pub work: Work,
    /// Where logs and items go, as `P/S/J/log.N.jl` and `P/S/J/items.N.jl`.
    pub data_dir: PathBuf,
    /// Size at which a file is followed by the next, bytes.
    pub rotate_bytes: u64,
    /// How long a job may run; `None`: as long as it likes.
    pub runtime_limit: Option<Duration>,
    /// How long a job may make no progress; `None`: as long as it likes.
    pub stall_limit: Option<Duration>,
    /// How long a job may take to stop before it is killed.
    pub cancel_grace: Duration,
    /// Memory that Scrapy lets a job use for each of its units, MB.
    pub unit_memory: u32,
    /// End when nothing is pending, rather than wait.
    pub once: bool,
    /// `version` of jobs that have none; `None`: what Git says of the project.
    pub version: Option<String>,
    /// `deploy_id` of jobs that have none.
    pub deploy_id: Option<u64>,
}

/// What to run for a job.
#[derive(Clone, Debug)]
pub enum Work {
    /// Spiders and scripts of a Scrapy project, by `start-crawl`.
    Scrapy {
        /// The words that start it.
        start: Vec<String>,
        /// The folder of a local project's `scrapy.cfg`; `None`: the project is installed.
        project: Option<PathBuf>,
    },
    /// Any program.
    Command(Template),
}

// By hand: the key must not show.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("server", &self.server)
            .field("projects", &self.projects)
            .field("units", &self.units)
            .finish_non_exhaustive()
    }
}
