//! Flags of `spiderq runner`, and of the hidden command that it calls for each job.

use std::{ffi::OsString, path::PathBuf, thread, time::Duration};

use clap::{Args, ValueEnum};

use spiderq_core::limits::{MAX_LEASE_MS, MAX_UNITS, MIN_LEASE_MS};

use super::{Connection, Secret, seconds, size::size};

#[derive(Args, Clone, Debug)]
pub(crate) struct Runner {
    #[command(flatten)]
    pub(crate) connection: Connection,
    /// An API key of role worker.
    #[arg(long, env = "SPIDERQ_API_KEY", value_name = "KEY", hide_env_values = true)]
    pub(crate) api_key: Option<Secret>,
    /// A file that holds that key, read once at the start; `-`: standard input, which jobs can't
    /// read.
    #[arg(long, env = "SPIDERQ_API_KEY_FILE", value_name = "FILE", conflicts_with = "api_key")]
    pub(crate) api_key_file: Option<PathBuf>,
    /// The runner's name; with the host's, as NAME@HOST, it stands in the jobs that it runs. Default:
    /// runner- and the process id.
    #[arg(long, env = "SPIDERQ_NAME", value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// A project whose jobs to run; repeatable, or separated by commas. Several projects take
    /// turns.
    #[arg(
        long = "project",
        env = "SPIDERQ_PROJECT",
        value_name = "ID",
        value_delimiter = ',',
        required = true,
        value_parser = clap::value_parser!(i64).range(1..)
    )]
    pub(crate) projects: Vec<i64>,
    /// Run only jobs of this spider; repeatable, or separated by commas. Default: of all spiders.
    #[arg(long = "spider", env = "SPIDERQ_SPIDER", value_name = "NAME", value_delimiter = ',')]
    pub(crate) spiders: Vec<String>,
    /// Run only jobs with this tag; repeatable, or separated by commas: one of the tags suffices.
    #[arg(long = "tag", env = "SPIDERQ_TAG", value_name = "TAG", value_delimiter = ',')]
    pub(crate) tags: Vec<String>,
    /// Run no jobs with this tag; repeatable, or separated by commas.
    #[arg(
        long = "lacks-tag",
        env = "SPIDERQ_LACKS_TAG",
        value_name = "TAG",
        value_delimiter = ','
    )]
    pub(crate) lacks_tags: Vec<String>,
    /// Most units of all jobs that run at a time. A job of more units is left to larger runners.
    /// Default: the number of cores, but at least 6, so that there is room for any job.
    #[arg(long, env = "SPIDERQ_UNITS", value_name = "N", default_value_t = units(), value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) units: u32,
    /// End once no job is pending and all running jobs have ended, instead of waiting for more.
    #[arg(long, env = "SPIDERQ_ONCE")]
    pub(crate) once: bool,
    #[command(flatten)]
    pub(crate) job: JobSettings,
}

/// Which program is run for a job, where its output goes, and how long it may take.
#[derive(Args, Clone, Debug)]
pub(crate) struct JobSettings {
    /// The local Scrapy project: the folder of its scrapy.cfg, or a folder below it. Default: the
    /// project that the current folder is in, if any; else an installed package.
    #[arg(long, env = "SPIDERQ_PROJECT_DIR", value_name = "FOLDER")]
    pub(crate) project_dir: Option<PathBuf>,
    /// The command of scrapinghub-entrypoint-scrapy that runs a job: a path, or a name on PATH.
    #[arg(
        long,
        env = "SPIDERQ_START_CRAWL",
        default_value = "start-crawl",
        value_name = "COMMAND",
        conflicts_with_all = ["python", "command"]
    )]
    pub(crate) start_crawl: String,
    /// The Python that scrapinghub-entrypoint-scrapy is installed for; use it instead of
    /// `--start-crawl`.
    #[arg(long, env = "SPIDERQ_PYTHON", value_name = "FILE", conflicts_with = "command")]
    pub(crate) python: Option<PathBuf>,
    /// Run this program for each job instead of Scrapy. Its words are quoted as in a shell, but no
    /// shell runs; {key}, {project}, {spider} and {arg:NAME} are replaced, and {args} becomes one
    /// word per argument.
    #[arg(long, env = "SPIDERQ_COMMAND", value_name = "TEMPLATE", hide_env_values = true)]
    pub(crate) command: Option<Secret>,
    /// Variables that a job may set for the program of `--command`; repeatable, or separated by
    /// commas. Never one by which programs find code, such as PATH. Default: none.
    #[arg(
        long = "allow-env",
        env = "SPIDERQ_ALLOW_ENV",
        value_name = "NAME",
        value_delimiter = ',',
        requires = "command"
    )]
    pub(crate) allowed_env: Vec<String>,
    /// The user that jobs run as: a name in /etc/passwd or UID:GID, or PROJECT=USER for the jobs of
    /// one project; repeatable, or separated by commas. Needs a runner of root. Default: the
    /// runner's own user.
    #[arg(long = "user", env = "SPIDERQ_USER", value_name = "USER", value_delimiter = ',')]
    pub(crate) users: Vec<String>,
    /// Where the output of jobs lies until the server has it: of job P/S/J in P/S/J/log.1.jl,
    /// P/S/J/items.1.jl … It stays there if the server keeps no output.
    #[arg(long, env = "SPIDERQ_DATA_DIR", default_value = "spiderq-data", value_name = "FOLDER")]
    pub(crate) data_dir: PathBuf,
    /// Keep these files after the server has what is in them.
    #[arg(long, env = "SPIDERQ_KEEP_LOCAL")]
    pub(crate) keep_local: bool,
    /// At which size such a file is closed and the next one is begun: bytes, or a size as 64MiB.
    #[arg(long, env = "SPIDERQ_ROTATE_BYTES", default_value = "64MiB", value_name = "SIZE", value_parser = size(1))]
    pub(crate) rotate_bytes: u64,
    /// How large the output of a job may be: bytes, or a size as 10GiB. A job that
    /// writes more is stopped.
    #[arg(long, env = "SPIDERQ_MAX_BYTES", default_value = "10GiB", value_name = "SIZE", value_parser = size(1))]
    pub(crate) max_bytes: u64,
    #[command(flatten)]
    pub(crate) limits: JobLimits,
    /// Seconds without a heartbeat after which the server gives the job to another runner, up to
    /// 3600.
    #[arg(long, env = "SPIDERQ_LEASE", default_value = "30", value_name = "SECONDS", value_parser = seconds(MIN_LEASE_MS / 1_000..=MAX_LEASE_MS / 1_000))]
    pub(crate) lease: Duration,
    /// Seconds after which a running job is stopped. Default: no limit.
    #[arg(long, env = "SPIDERQ_RUNTIME_LIMIT", value_name = "SECONDS", value_parser = seconds(1..))]
    pub(crate) runtime_limit: Option<Duration>,
    /// Seconds without progress after which a job is stopped. Default: no limit.
    #[arg(long, env = "SPIDERQ_STALL_LIMIT", value_name = "SECONDS", value_parser = seconds(1..))]
    pub(crate) stall_limit: Option<Duration>,
    /// Seconds after which a job that was asked to stop and still runs is killed.
    #[arg(long, env = "SPIDERQ_CANCEL_GRACE", default_value = "300", value_name = "SECONDS", value_parser = seconds(..))]
    pub(crate) cancel_grace: Duration,
    /// Seconds that running jobs get to end after a first SIGTERM or SIGINT; those that still run
    /// then are stopped. Default: no limit; with `--on-drain requeue` 0.
    #[arg(long, env = "SPIDERQ_DRAIN", value_name = "SECONDS", value_parser = seconds(..))]
    pub(crate) drain: Option<Duration>,
    /// What becomes of jobs that are stopped since the runner ends.
    #[arg(long, env = "SPIDERQ_ON_DRAIN", default_value = "finish", value_name = "WHAT")]
    pub(crate) on_drain: OnDrainArg,
    /// Memory that Scrapy allows a job per unit, in MB.
    #[arg(long, env = "SPIDERQ_UNIT_MEMORY", default_value_t = 950, value_name = "MB")]
    pub(crate) unit_memory: u32,
    /// The `version` of jobs that have none. Default: taken from the Git repository of the local
    /// project, as `shub deploy` does, or else from its pyproject.toml.
    #[arg(long, env = "SPIDERQ_CODE_VERSION", value_name = "TEXT")]
    pub(crate) code_version: Option<String>,
    /// The `deploy_id` of jobs that have none: the number of the deploy that put the code here.
    #[arg(long, env = "SPIDERQ_DEPLOY_ID", value_name = "N")]
    pub(crate) deploy_id: Option<u64>,
}

/// What becomes of jobs that are stopped since the runner ends.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum OnDrainArg {
    /// They end as `shutdown`
    Finish,
    /// They go back to the queue, before others of their priority
    Requeue,
}

/// What the kernel lets each process of a job use.
#[derive(Args, Clone, Debug)]
pub(crate) struct JobLimits {
    /// Address space of each process of a job in MB, for each unit of the job. Default: no limit of
    /// its own.
    #[arg(long, env = "SPIDERQ_MEMORY_LIMIT", value_name = "MB", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) memory_limit: Option<u32>,
    /// Open files and sockets of each process of a job. Default: no limit of its own.
    #[arg(long, env = "SPIDERQ_OPEN_FILES_LIMIT", value_name = "N", value_parser = clap::value_parser!(u32).range(16..))]
    pub(crate) open_files_limit: Option<u32>,
    /// Processes and threads that a job's user may have in all its jobs; root has no limit.
    /// Default: no limit of its own.
    #[arg(long, env = "SPIDERQ_PROCESSES_LIMIT", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) processes_limit: Option<u32>,
    /// How large any file that a job writes itself may be: bytes, or a size as 1GiB. Default: no
    /// limit of its own.
    #[arg(long, env = "SPIDERQ_FILE_SIZE_LIMIT", value_name = "SIZE", value_parser = size(1))]
    pub(crate) file_size_limit: Option<u64>,
}

fn units() -> u32 {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    cores.try_into().unwrap_or(u32::MAX).max(MAX_UNITS.into())
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Supervise {
    /// Process id that must be the parent; set in the second of its two steps.
    #[arg(long)]
    pub(crate) parent: Option<i32>,
    /// Folder that is removed once the runner is gone.
    #[arg(long)]
    pub(crate) folder: Option<PathBuf>,
    /// User of the program.
    #[arg(long, requires = "gid")]
    pub(crate) uid: Option<u32>,
    /// Group of the program.
    #[arg(long, requires = "uid")]
    pub(crate) gid: Option<u32>,
    /// The program may not become another user.
    #[arg(long)]
    pub(crate) no_new_privileges: bool,
    /// Most address space of the program in bytes.
    #[arg(long)]
    pub(crate) memory: Option<u64>,
    /// Most open files of the program.
    #[arg(long)]
    pub(crate) open_files: Option<u64>,
    /// Most processes and threads of the program's user.
    #[arg(long)]
    pub(crate) processes: Option<u64>,
    /// Most bytes of a file that the program writes.
    #[arg(long)]
    pub(crate) file_size: Option<u64>,
    /// The program and its arguments.
    #[arg(required = true, last = true)]
    pub(crate) command: Vec<OsString>,
}
