//! A private `redis-server` for tests: on a unix socket in a temporary directory, so that
//! no port can clash. Never outlives its test process.

use std::{
    fmt,
    path::PathBuf,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use redis::FromRedisValue;
use tempfile::TempDir;

use crate::redis_process::RedisProcess;

/// Durable as far as Redis goes: every write is fsynced before it is acknowledged.
pub const DURABLE: &[&str] = &["--appendonly", "yes", "--appendfsync", "always"];

/// How long a command of a test may take, on a busy machine with every write fsynced.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);

/// A running server; killed on drop.
pub struct RedisServer {
    dir: PathBuf,
    owned: Option<TempDir>,
    options: Vec<String>,
    process: Option<RedisProcess>,
    frozen: AtomicBool,
}

impl RedisServer {
    /// Starts one that keeps nothing on disk, with more options as on its command line.
    #[must_use]
    pub fn start(options: &[&str]) -> Self {
        let mut server = Self::new(options);
        server.spawn();
        server
    }

    /// The same for a static, which nothing drops: its directory is the watchdog's.
    #[must_use]
    pub fn for_all(options: &[&str]) -> Self {
        let mut server = Self::new(options);
        server.owned.take().map(TempDir::keep);
        server.spawn();
        server
    }

    /// One server for all tests of this process that do not disturb it. Each must use
    /// projects of its own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<RedisServer> = OnceLock::new();
        SHARED.get_or_init(|| Self::for_all(&[]))
    }

    /// What `--store` takes; the same after a restart.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    /// The same for an ACL user.
    #[must_use]
    pub fn url_of(&self, user: &str, password: &str) -> String {
        format!("redis+unix://{user}:{password}@{}", self.socket().display())
    }

    /// Runs a command as its administrator.
    pub fn command<T: FromRedisValue>(&self, words: &[&str]) -> T {
        self.try_command(words).unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// The same, which may fail.
    pub fn try_command<T: FromRedisValue>(&self, words: &[&str]) -> redis::RedisResult<T> {
        let client = redis::Client::open(self.url())?;
        let mut connection = client.get_connection_with_timeout(COMMAND_TIMEOUT)?;
        connection.set_read_timeout(Some(COMMAND_TIMEOUT))?;
        redis::cmd(words[0]).arg(&words[1..]).query(&mut connection)
    }

    /// Whether it answers: it was not killed, and is not stopped.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.process.is_some() && !self.frozen.load(Ordering::SeqCst)
    }

    /// Kills it with SIGKILL: whatever it had not written is lost.
    pub fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
        }
    }

    /// Starts it again on the same data and the same socket; kills it first if it runs.
    pub fn restart(&mut self) {
        self.kill();
        self.spawn();
    }

    /// Stops it in its tracks (SIGSTOP): connections stay open and nothing answers.
    pub fn freeze(&self) {
        self.process().signal("-STOP");
        self.frozen.store(true, Ordering::SeqCst);
    }

    /// Lets it go on (SIGCONT).
    pub fn thaw(&self) {
        self.process().signal("-CONT");
        self.frozen.store(false, Ordering::SeqCst);
    }

    fn process(&self) -> &RedisProcess {
        self.process.as_ref().expect("a running redis-server")
    }

    fn socket(&self) -> PathBuf {
        self.dir.join("redis.sock")
    }

    fn new(options: &[&str]) -> Self {
        let dir = TempDir::with_prefix("spiderq-redis-")
            .unwrap_or_else(|error| panic!("no temporary directory: {error}"));
        Self {
            dir: dir.path().to_owned(),
            owned: Some(dir),
            options: options.iter().map(|&option| option.to_owned()).collect(),
            process: None,
            frozen: AtomicBool::new(false),
        }
    }

    fn spawn(&mut self) {
        let socket = self.socket().display().to_string();
        let dir = self.dir.display().to_string();
        let own = ["--port", "0", "--save", "", "--enable-debug-command", "yes"];
        let places = ["--unixsocket", &socket, "--dir", &dir];
        let mut arguments: Vec<String> =
            [&own[..], &places].concat().iter().map(|&argument| argument.to_owned()).collect();
        arguments.extend(self.options.iter().cloned());
        let gone = self.owned.is_none().then_some(self.dir.as_path());
        let ready = "ready to accept connections";
        self.process = Some(RedisProcess::spawn(&arguments, ready, gone));
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

impl fmt::Debug for RedisServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisServer({})", self.url())
    }
}
