//! Flags of `runner`.

use std::{ffi::OsString, fmt, path::PathBuf, thread};

use clap::Args;

/// Units of the largest job that there can be.
const LARGEST: u32 = 6;

/// Settings of `runner`.
#[derive(Args, Clone)]
pub struct Runner {
    /// The server whose jobs it runs.
    #[arg(
        long,
        env = "SPIDERQ_SERVER",
        default_value = "http://127.0.0.1:6900",
        value_name = "URL"
    )]
    pub server: String,
    /// Authorities that sign the certificate of an https:// server (PEM file). Default: the
    /// public ones.
    #[arg(long, env = "SPIDERQ_TLS_CA", value_name = "FILE")]
    pub tls_ca: Option<PathBuf>,
    /// An API key of role worker.
    #[arg(
        long,
        env = "SPIDERQ_API_KEY",
        default_value = "",
        value_name = "KEY",
        hide_env_values = true,
        hide_default_value = true
    )]
    pub api_key: String,
    /// A project whose jobs it runs; repeatable (in the variable: separated by commas). Several
    /// have their turns.
    #[arg(
        long = "project",
        env = "SPIDERQ_PROJECT",
        value_name = "ID",
        value_delimiter = ',',
        required = true,
        value_parser = clap::value_parser!(i64).range(1..)
    )]
    pub projects: Vec<i64>,
    /// Just jobs of this spider; repeatable. Default: of all.
    #[arg(long = "spider", env = "SPIDERQ_SPIDER", value_name = "NAME", value_delimiter = ',')]
    pub spiders: Vec<String>,
    /// Just jobs with this tag; repeatable, any of them will do.
    #[arg(long = "tag", env = "SPIDERQ_TAG", value_name = "TAG", value_delimiter = ',')]
    pub tags: Vec<String>,
    /// No jobs with this tag; repeatable.
    #[arg(
        long = "lacks-tag",
        env = "SPIDERQ_LACKS_TAG",
        value_name = "TAG",
        value_delimiter = ','
    )]
    pub lacks_tags: Vec<String>,
    /// Units of the jobs that run at a time. Jobs of more are left to larger runners. Default:
    /// the number of cores, and at least 6, so that there is room for any job.
    #[arg(long, env = "SPIDERQ_UNITS", value_name = "N", default_value_t = units(), value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub units: u32,
    /// End when no job is pending and those that ran have ended, rather than wait for more.
    #[arg(long, env = "SPIDERQ_ONCE")]
    pub once: bool,
    /// What is run, and for how long.
    #[command(flatten)]
    pub job: JobSettings,
}

/// What is run for a job, and within which limits.
#[derive(Args, Clone)]
pub struct JobSettings {
    /// The local Scrapy project: the folder of its scrapy.cfg, or one below. Default: that of
    /// the current folder, if it is in one; else the project is an installed package.
    #[arg(long, env = "SPIDERQ_PROJECT_DIR", value_name = "FOLDER")]
    pub project_dir: Option<PathBuf>,
    /// The command of scrapinghub-entrypoint-scrapy that runs a job.
    #[arg(
        long,
        env = "SPIDERQ_START_CRAWL",
        default_value = "start-crawl",
        value_name = "COMMAND",
        conflicts_with_all = ["python", "command"]
    )]
    pub start_crawl: String,
    /// The Python that has scrapinghub-entrypoint-scrapy, instead of a `start-crawl` on PATH.
    #[arg(long, env = "SPIDERQ_PYTHON", value_name = "FILE", conflicts_with = "command")]
    pub python: Option<PathBuf>,
    /// Run this program for each job instead of Scrapy. Words as in a shell, but no shell reads
    /// them; {key}, {project}, {spider}, {arg:NAME} are filled in, {args} becomes a word
    /// for each argument.
    #[arg(long, env = "SPIDERQ_COMMAND", value_name = "TEMPLATE")]
    pub command: Option<String>,
    /// Where logs and items of the job P/S/J go: P/S/J/log.1.jl, P/S/J/items.1.jl …
    #[arg(long, env = "SPIDERQ_DATA_DIR", default_value = "spiderq-data", value_name = "FOLDER")]
    pub data_dir: PathBuf,
    /// Size at which such a file is followed by the next, bytes.
    #[arg(long, env = "SPIDERQ_ROTATE_BYTES", default_value_t = 64 << 20, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..))]
    pub rotate_bytes: u64,
    /// How long the server waits for a sign of life before it gives the job to another, seconds.
    #[arg(long, env = "SPIDERQ_LEASE", default_value_t = 30, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub lease: u64,
    /// Stop a job that runs for so long, seconds. Default: none.
    #[arg(long, env = "SPIDERQ_RUNTIME_LIMIT", value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub runtime_limit: Option<u64>,
    /// Stop a job that makes no progress for so long, seconds. Default: none.
    #[arg(long, env = "SPIDERQ_STALL_LIMIT", value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub stall_limit: Option<u64>,
    /// Kill a job that was told to stop and has not after so long, seconds.
    #[arg(long, env = "SPIDERQ_CANCEL_GRACE", default_value_t = 300, value_name = "SECONDS")]
    pub cancel_grace: u64,
    /// Memory that Scrapy lets a job use for each of its units, MB.
    #[arg(long, env = "SPIDERQ_UNIT_MEMORY", default_value_t = 950, value_name = "MB")]
    pub unit_memory: u32,
    /// The `version` of jobs that have none. Default: what Git says of the local project, as
    /// `shub deploy` does, or else its pyproject.toml.
    #[arg(long, env = "SPIDERQ_CODE_VERSION", value_name = "TEXT")]
    pub code_version: Option<String>,
    /// The `deploy_id` of jobs that have none: the number of the deploy that put the code here.
    #[arg(long, env = "SPIDERQ_DEPLOY_ID", value_name = "N")]
    pub deploy_id: Option<u64>,
}

fn units() -> u32 {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    u32::try_from(cores).unwrap_or(LARGEST).max(LARGEST)
}

// By hand: the key must not show.
impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner")
            .field("server", &self.server)
            .field("projects", &self.projects)
            .finish_non_exhaustive()
    }
}

// By hand: a command may hold a secret.
impl fmt::Debug for JobSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobSettings").field("data_dir", &self.data_dir).finish_non_exhaustive()
    }
}

/// Settings of `supervise`, which the runner calls.
#[derive(Args, Clone, Debug)]
pub struct Supervise {
    /// In the second step: the process that must be the parent.
    #[arg(long)]
    pub parent: Option<i32>,
    /// Removed when the runner is gone.
    #[arg(long)]
    pub folder: Option<PathBuf>,
    /// The program and its arguments.
    #[arg(required = true, last = true)]
    pub command: Vec<OsString>,
}
