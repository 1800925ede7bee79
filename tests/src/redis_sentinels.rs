//! A private master with a replica, and a Sentinel that watches them.

use std::{fs, sync::OnceLock};

use tempfile::TempDir;

use crate::{
    ports::free_port, redis_cluster::until, redis_process::RedisProcess, redis_server::RedisServer,
};

/// A running group; killed on drop.
#[derive(Debug)]
pub struct RedisSentinels {
    /// In the beginning the first is the master.
    servers: Vec<(RedisServer, u16)>,
    sentinel: Option<RedisProcess>,
    sentinel_port: u16,
    _dir: Option<TempDir>,
}

impl RedisSentinels {
    /// The name of the master.
    pub const MASTER: &str = "spiderq-master";

    /// A master, with a replica if `replica`.
    #[must_use]
    pub fn start(replica: bool, options: &[&str]) -> Self {
        Self::of(replica, options, false)
    }

    /// A master for all tests of this process that do not disturb it. Each must use projects
    /// of its own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<RedisSentinels> = OnceLock::new();
        SHARED.get_or_init(|| Self::of(false, &[], true))
    }

    fn of(replica: bool, options: &[&str], for_all: bool) -> Self {
        let start = match for_all {
            true => RedisServer::for_all,
            false => RedisServer::start,
        };
        let mut servers: Vec<(RedisServer, u16)> = Vec::new();
        for _ in 0..=usize::from(replica) {
            let port = free_port();
            let text = port.to_string();
            let own = ["--bind", "127.0.0.1", "--port", &text];
            let delay = ["--repl-diskless-sync-delay", "0"];
            let server = start(&[&own[..], &delay, options].concat());
            if let Some((_, master)) = servers.first() {
                server.command::<()>(&["REPLICAOF", "127.0.0.1", &master.to_string()]);
                until("the replica does not follow", || {
                    let info: String = server.command(&["INFO"]);
                    info.contains("master_link_status:up")
                });
            }
            servers.push((server, port));
        }
        let dir = tempfile::tempdir().expect("a temporary folder");
        let sentinel_port = free_port();
        let master = Self::MASTER;
        let config = format!(
            "port {sentinel_port}\nbind 127.0.0.1\ndir {dir}\n\
             sentinel monitor {master} 127.0.0.1 {port} 1\n\
             sentinel down-after-milliseconds {master} {silence}\n\
             sentinel failover-timeout {master} 5000\n",
            dir = dir.path().display(),
            port = servers[0].1,
            // Without a replica nothing can take over: a busy master is not to be taken for gone.
            silence = if replica { 1_000 } else { 60_000 },
        );
        let file = dir.path().join("sentinel.conf");
        fs::write(&file, config).expect("a configuration");
        let arguments = [file.display().to_string(), "--sentinel".to_owned()];
        // Nothing drops a static: its directory is the watchdog's.
        let (dir, gone) = match for_all {
            true => (None, Some(dir.keep())),
            false => (Some(dir), None),
        };
        let sentinel = RedisProcess::spawn(&arguments, "+monitor master", gone.as_deref());
        let group = Self { servers, sentinel: Some(sentinel), sentinel_port, _dir: dir };
        until("the Sentinel does not see the replica", || {
            group.ask("num-slaves") == u16::from(replica).to_string()
        });
        group
    }

    /// What `--store` takes. The first of the Sentinels that it names is not there.
    #[must_use]
    pub fn url(&self) -> String {
        let gone = free_port();
        let (port, master) = (self.sentinel_port, Self::MASTER);
        format!("redis+sentinel://127.0.0.1:{gone},127.0.0.1:{port}/{master}")
    }

    /// The server that the Sentinel calls the master.
    #[must_use]
    pub fn master(&self) -> usize {
        let port = self.ask("port");
        let its = |(_, own): &(RedisServer, u16)| own.to_string() == port;
        self.servers.iter().position(its).expect("a server of ours")
    }

    /// Kills a server with SIGKILL.
    pub fn kill(&mut self, server: usize) {
        self.servers[server].0.kill();
    }

    /// Has the replica take over from a master that is well.
    pub fn switch_over(&self) {
        let mut connection = self.sentinel();
        let mut words = redis::cmd("SENTINEL");
        let done: redis::RedisResult<()> =
            words.arg("FAILOVER").arg(Self::MASTER).query(&mut connection);
        done.expect("a switch-over");
    }

    /// Waits until another server than `server` is the master by its own account.
    pub fn wait_for_fail_over(&self, server: usize) {
        until("no fail-over", || {
            let master = self.master();
            let info = || self.servers[master].0.command::<String>(&["INFO"]);
            master != server && info().contains("role:master")
        });
    }

    /// What the Sentinel says of the master.
    fn ask(&self, field: &str) -> String {
        let mut connection = self.sentinel();
        let mut question = redis::cmd("SENTINEL");
        let answer = question.arg("MASTER").arg(Self::MASTER);
        let fields: std::collections::HashMap<String, String> =
            answer.query(&mut connection).expect("what it knows");
        fields[field].clone()
    }

    fn sentinel(&self) -> redis::Connection {
        let url = format!("redis://127.0.0.1:{}", self.sentinel_port);
        let client = redis::Client::open(url).expect("a URL");
        client.get_connection().expect("a Sentinel")
    }
}

impl Drop for RedisSentinels {
    fn drop(&mut self) {
        if let Some(sentinel) = self.sentinel.take() {
            sentinel.kill();
        }
    }
}
