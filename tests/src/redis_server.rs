//! A private `redis-server` for tests: on a unix socket in a temporary directory, so that
//! no port can clash. Never outlives its test process, not even one that is killed: a
//! watchdog beside it waits for the end of a pipe that only this process holds.

use std::{
    fmt,
    io::{self, BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::OnceLock,
    thread,
};

use tempfile::TempDir;

/// `$1` is removed in the end, unless empty. The shell becomes the server, so that the
/// child's number is the server's.
const START: &str = r#"
gone=$1; shift
exec 3<&0
( cat <&3; kill -9 $$; test -z "$gone" || rm -rf -- "$gone" ) >/dev/null 2>&1 &
exec redis-server "$@" 3<&- </dev/null
"#;

/// Durable as far as Redis goes: every write is fsynced before it is acknowledged.
pub const DURABLE: &[&str] = &["--appendonly", "yes", "--appendfsync", "always"];

/// A running server; killed on drop.
pub struct RedisServer {
    dir: PathBuf,
    owned: Option<TempDir>,
    options: Vec<String>,
    process: Option<Process>,
}

struct Process {
    child: Child,
    /// Its end is the watchdog's sign to kill the server.
    lifeline: ChildStdin,
}

impl RedisServer {
    /// Starts one that keeps nothing on disk, with more options as on its command line.
    #[must_use]
    pub fn start(options: &[&str]) -> Self {
        let dir = TempDir::with_prefix("spiderq-redis-")
            .unwrap_or_else(|error| panic!("no temporary directory: {error}"));
        let mut server = Self {
            dir: dir.path().to_owned(),
            owned: Some(dir),
            options: options.iter().map(|&option| option.to_owned()).collect(),
            process: None,
        };
        server.spawn();
        server
    }

    /// One server for all tests of this process that do not disturb it. Each must use
    /// projects of its own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<RedisServer> = OnceLock::new();
        SHARED.get_or_init(|| {
            let mut server = Self::start(&[]);
            server.kill();
            // Nothing drops a static: its directory is the watchdog's.
            server.owned.take().map(TempDir::keep);
            server.spawn();
            server
        })
    }

    /// What `--store` takes; the same after a restart.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    /// Kills it with SIGKILL: whatever it had not written is lost.
    pub fn kill(&mut self) {
        if let Some(Process {
            mut child,
            lifeline,
        }) = self.process.take()
        {
            drop(lifeline);
            let _ = child.wait();
        }
    }

    /// Starts it again on the same data and the same socket; kills it first if it runs.
    pub fn restart(&mut self) {
        self.kill();
        self.spawn();
    }

    /// Stops it in its tracks (SIGSTOP): connections stay open and nothing answers.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on (SIGCONT).
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    fn socket(&self) -> PathBuf {
        self.dir.join("redis.sock")
    }

    fn signal(&self, signal: &str) {
        let Some(process) = &self.process else {
            panic!("redis-server is not running");
        };
        let pid = process.child.id().to_string();
        let status = Command::new("kill").args([signal, &pid]).status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "kill {signal} failed"
        );
    }

    fn spawn(&mut self) {
        let found = Command::new("redis-server").arg("--version").output();
        assert!(
            found.is_ok_and(|output| output.status.success()),
            "install redis-server (apt-get install redis-server)"
        );
        let socket = self.socket();
        let mut child = Command::new("sh")
            .args(["-c", START, "sh"])
            .arg(
                self.owned
                    .as_ref()
                    .map_or(self.dir.as_os_str(), |_| "".as_ref()),
            )
            .args(["--port", "0", "--save", "", "--enable-debug-command", "yes"])
            .arg("--unixsocket")
            .arg(&socket)
            .arg("--dir")
            .arg(&self.dir)
            .args(&self.options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start redis-server: {error}"));
        let (Some(lifeline), Some(log)) = (child.stdin.take(), child.stdout.take()) else {
            panic!("redis-server has no pipes");
        };
        self.process = Some(Process { child, lifeline });
        wait_until_ready(log);
    }
}

/// Reads the log up to the line that says so, and the rest in the background, so that the
/// server never blocks on it.
fn wait_until_ready(log: ChildStdout) {
    let mut log = BufReader::new(log);
    let mut seen = String::new();
    while !seen.to_lowercase().contains("ready to accept connections") {
        match log.read_line(&mut seen) {
            Ok(0) | Err(_) => panic!("redis-server did not start:\n{seen}"),
            Ok(_) => {}
        }
    }
    thread::spawn(move || io::copy(&mut log, &mut io::sink()));
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
