//! The server that is measured: one that runs already, or one started for it.

use std::fs;

use clap::{Args, ValueEnum};
use spiderq_tests::{
    Grpc, Http, Program, Stack,
    redis_server::{DURABLE, RedisServer},
};
use tempfile::TempDir;

use crate::redis_watch;

/// Where the started server keeps its jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Store {
    /// A temporary file.
    Sqlite,
    /// A private server.
    Redis,
}

/// Which store.
#[derive(Clone, Debug, Args)]
pub(crate) struct StoreArgs {
    /// Store of the server that is started for the measurement.
    #[arg(long, value_enum, default_value = "sqlite")]
    pub(crate) store: Store,
    /// Whether that Redis syncs its log before it answers.
    #[arg(long)]
    pub(crate) durable: bool,
}

/// Which server.
#[derive(Clone, Debug, Args)]
pub(crate) struct ServerArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// Instead: a running server.
    #[arg(long, requires = "key")]
    url: Option<String>,
    /// Its API key.
    #[arg(long)]
    key: Option<String>,
    /// Its process, for its CPU time.
    #[arg(long)]
    pid: Option<u32>,
}

/// A server, and what must live as long as it.
pub(crate) struct Target {
    pub(crate) url: String,
    pub(crate) key: String,
    /// Its process, where known.
    pub(crate) pid: Option<u32>,
    store: &'static str,
    // Ends before its store.
    program: Option<Program>,
    redis: Option<RedisServer>,
    folder: Option<TempDir>,
}

impl Target {
    /// The server that the command line asks for.
    pub(crate) fn of(args: &ServerArgs) -> Self {
        if let (Some(url), Some(key)) = (&args.url, &args.key) {
            return Self::bare("given server", url, key, args.pid);
        }
        Self::on(&args.store)
    }

    /// A new one on a store of its own.
    pub(crate) fn on(args: &StoreArgs) -> Self {
        match args.store {
            Store::Sqlite => {
                let folder = tempfile::tempdir().expect("a temporary folder");
                let store = format!("sqlite:{}/load.db", folder.path().display());
                let mut target = Self::started("SQLite", &store);
                target.folder = Some(folder);
                target
            }
            Store::Redis => Self::on_redis(args.durable),
        }
    }

    /// A new one that keeps output of jobs, in a folder of its own.
    pub(crate) fn with_output(args: &StoreArgs) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let output = format!("--output=file:{}/output", folder.path().display());
        let (name, store, redis) = match args.store {
            Store::Sqlite => {
                ("SQLite", format!("sqlite:{}/load.db", folder.path().display()), None)
            }
            Store::Redis => {
                let redis = RedisServer::start(if args.durable { DURABLE } else { &[] });
                ("Redis", redis.url(), Some(redis))
            }
        };
        let mut target = Self::started_with(name, &store, &[&output]);
        (target.redis, target.folder) = (redis, Some(folder));
        target
    }

    /// One that is there already.
    pub(crate) fn bare(store: &'static str, url: &str, key: &str, pid: Option<u32>) -> Self {
        Self {
            url: url.to_owned(),
            key: key.to_owned(),
            pid,
            store,
            program: None,
            redis: None,
            folder: None,
        }
    }

    /// A new one over a private Redis.
    pub(crate) fn on_redis(durable: bool) -> Self {
        let redis = RedisServer::start(if durable { DURABLE } else { &[] });
        let mut target = Self::started("Redis", &redis.url());
        target.redis = Some(redis);
        target
    }

    fn started(name: &'static str, store: &str) -> Self {
        Self::started_with(name, store, &[])
    }

    fn started_with(name: &'static str, store: &str, more: &[&str]) -> Self {
        // One key makes all calls: its quotas are not what is measured.
        let quotas = ["rate", "calls", "jobs", "bytes"].map(|name| format!("--quota-{name}=0"));
        let flags: Vec<&str> =
            quotas.iter().map(String::as_str).chain(more.iter().copied()).collect();
        let program = Program::serve(store, &flags);
        let mut target = Self::bare(name, &program.url, Stack::KEY, Some(program.id()));
        target.program = Some(program);
        target
    }

    /// A second server on its Redis; `None` where it has none.
    pub(crate) fn beside(&self) -> Option<Self> {
        let redis = self.redis.as_ref()?;
        Some(Self::started("Redis", &redis.url()))
    }

    /// What the jobs are kept in.
    pub(crate) fn store(&self) -> &'static str {
        self.store
    }

    /// The Redis that was started with it.
    pub(crate) fn redis(&self) -> &RedisServer {
        self.private_redis().expect("a private Redis")
    }

    /// The same, if there is one.
    pub(crate) fn private_redis(&self) -> Option<&RedisServer> {
        self.redis.as_ref()
    }

    /// The process of that Redis.
    pub(crate) fn redis_pid(&self) -> Option<u32> {
        self.private_redis().map(redis_watch::process)
    }

    /// A client of the HTTP paths.
    pub(crate) fn http(&self) -> Http {
        Http::new(&self.url).basic(&self.key, "")
    }

    /// A client over gRPC, on a connection of its own.
    pub(crate) fn grpc(&self) -> Grpc {
        Grpc::new(&self.url, &self.key)
    }

    /// Bytes that the store takes: memory of Redis, files of SQLite.
    pub(crate) fn stored_bytes(&self) -> f64 {
        if let Some(redis) = self.private_redis() {
            return redis_watch::used_memory(redis);
        }
        let folder = self.folder.as_ref().expect("a store of its own");
        let files = fs::read_dir(folder.path()).expect("a folder");
        files.map(|file| file.unwrap().metadata().unwrap().len() as f64).sum()
    }

    /// The most that the server's resident memory has been since [`Target::forget_peak`], bytes.
    pub(crate) fn peak_memory(&self) -> f64 {
        self.program.as_ref().expect("a started server").peak_memory() as f64 * 1024.0
    }

    /// Lets the peak begin anew.
    pub(crate) fn forget_peak(&self) {
        let pid = self.pid.expect("a started server");
        fs::write(format!("/proc/{pid}/clear_refs"), "5").expect("a process of ours");
    }
}
