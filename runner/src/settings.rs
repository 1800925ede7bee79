//! What a runner is started with.

use std::{fmt, path::PathBuf, time::Duration};

use tonic::transport::Endpoint;

use crate::{
    allowed_environment::AllowedEnvironment, resource_limits::ResourceLimits, template::Template,
    users::Users,
};

/// The flags of `spiderq runner` (docs/runner.md), read and checked.
#[derive(Clone)]
pub struct Settings {
    /// Where and how to connect: address, TLS, timeouts.
    pub endpoint: Endpoint,
    /// The server's URL as jobs get it, with or without a slash at its end.
    pub server: String,
    /// Of role `worker` or higher.
    pub api_key: String,
    /// The projects whose jobs to run; at least one.
    pub projects: Vec<i64>,
    /// Run jobs of these spiders only; empty: of all spiders.
    pub spiders: Vec<String>,
    /// Run jobs that have any of these tags only; empty: all jobs.
    pub tags: Vec<String>,
    /// Run no job that has any of these tags.
    pub lacks_tags: Vec<String>,
    /// Units of all jobs that run at the same time; at least 1.
    pub units: u32,
    /// How long the server waits for a heartbeat: 1 s to 1 h.
    pub lease: Duration,
    /// The program of each job.
    pub work: Work,
    /// The folder for the output of jobs on its way to the server, `P/S/J/log.N.jl` and so on.
    pub data_dir: PathBuf,
    /// The runner's name, `NAME@HOST`, that its jobs show.
    pub name: String,
    /// Whether files stay after the server has what is in them.
    pub keep_local: bool,
    /// Size in bytes at which the next log or items file begins.
    pub rotate_bytes: u64,
    /// Size in bytes that a job's output may have.
    pub max_bytes: u64,
    /// What each process of a job may use.
    pub limits: ResourceLimits,
    /// The users that jobs run as.
    pub users: Users,
    /// How long a job may run; `None`: without limit.
    pub runtime_limit: Option<Duration>,
    /// How long a job may run without progress; `None`: without limit.
    pub stall_limit: Option<Duration>,
    /// How long after the request to stop a job is killed.
    pub cancel_grace: Duration,
    /// How long a first signal waits for running jobs before they are stopped; `None`: for ever.
    pub drain: Option<Duration>,
    /// What becomes of jobs that the end of the runner stops.
    pub on_drain: OnDrain,
    /// Memory in MB that Scrapy lets a job use for each of its units.
    pub unit_memory: u32,
    /// End when no job is pending, rather than wait for one.
    pub once: bool,
    /// `version` of jobs that have none; `None`: by Git or `pyproject.toml` of the local project.
    pub version: Option<String>,
    /// `deploy_id` of jobs that have none; `None`: they stay without.
    pub deploy_id: Option<u64>,
}

/// What becomes of jobs that are stopped since the runner ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDrain {
    /// They end as `shutdown`.
    Finish,
    /// They go back to the queue, before all others of their priority.
    Requeue,
}

/// The program that is run for each job.
#[derive(Clone, Debug)]
pub enum Work {
    /// Spiders and scripts of a Scrapy project, run by `start-crawl`.
    Scrapy {
        /// The command line of `start-crawl`.
        start: Vec<String>,
        /// The folder with the `scrapy.cfg` of a local project; `None`: the project is an installed
        /// Python package.
        project: Option<PathBuf>,
    },
    /// Any other program.
    Command {
        /// Its command line, which no shell reads.
        template: Template,
        /// The variables that a job may set for it.
        allowed: AllowedEnvironment,
    },
}

// By hand, since the API key is a secret.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("server", &self.server)
            .field("projects", &self.projects)
            .field("units", &self.units)
            .finish_non_exhaustive()
    }
}
