//! The server that is measured: one that runs already, or one started for it.

use spiderq_tests::{
    Program, Stack,
    redis_server::{DURABLE, RedisServer},
};
use tempfile::TempDir;

use crate::{Load, Store};

/// A server, and what must live as long as it.
pub(crate) struct Target {
    pub(crate) url: String,
    pub(crate) key: String,
    /// Its process, where known.
    pub(crate) pid: Option<u32>,
    // Ends before its store.
    _program: Option<Program>,
    redis: Option<RedisServer>,
    _folder: Option<TempDir>,
}

impl Target {
    /// The server that the command line asks for.
    pub(crate) fn of(load: &Load) -> Self {
        if let (Some(url), Some(key)) = (&load.url, &load.key) {
            return Self::bare(url, key, load.pid);
        }
        match load.store {
            Store::Sqlite => {
                let folder = tempfile::tempdir().expect("a temporary folder");
                let store = format!("sqlite:{}/load.db", folder.path().display());
                let mut target = Self::started(&store);
                target._folder = Some(folder);
                target
            }
            Store::Redis => Self::on_redis(load.durable),
        }
    }

    /// One that is there already.
    pub(crate) fn bare(url: &str, key: &str, pid: Option<u32>) -> Self {
        Self {
            url: url.to_owned(),
            key: key.to_owned(),
            pid,
            _program: None,
            redis: None,
            _folder: None,
        }
    }

    /// A new one over a private Redis.
    pub(crate) fn on_redis(durable: bool) -> Self {
        let redis = RedisServer::start(if durable { DURABLE } else { &[] });
        let mut target = Self::started(&redis.url());
        target.redis = Some(redis);
        target
    }

    fn started(store: &str) -> Self {
        // One key makes all calls: its quota is not what is measured.
        let program = Program::serve(store, &["--quota-rate", "0", "--quota-calls", "0"]);
        let mut target = Self::bare(&program.url, Stack::KEY, Some(program.id()));
        target._program = Some(program);
        target
    }

    /// A second server on its Redis; `None` where it has none.
    pub(crate) fn beside(&self) -> Option<Self> {
        let redis = self.redis.as_ref()?;
        Some(Self::started(&redis.url()))
    }

    /// The Redis that was started with it.
    pub(crate) fn redis(&self) -> &RedisServer {
        self.redis.as_ref().expect("a private Redis")
    }
}
