//! A `redis-server` process of a test: started, signalled, killed. Never outlives its test
//! process, not even one that is killed: a watchdog beside it waits for the end of a pipe
//! that only this process holds.

use std::{
    io::{self, BufRead as _, BufReader},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
};

/// `$1` is removed in the end, unless empty. The shell becomes the server, so that the
/// child's number is the server's.
const START: &str = r#"
gone=$1; shift
exec 3<&0
( cat <&3; kill -9 $$; test -z "$gone" || rm -rf -- "$gone" ) >/dev/null 2>&1 &
exec redis-server "$@" 3<&- </dev/null
"#;

#[derive(Debug)]
pub(crate) struct RedisProcess {
    child: Child,
    /// Its end is the watchdog's sign to kill the server.
    lifeline: ChildStdin,
}

impl RedisProcess {
    /// Starts one, and waits until its log says `ready`. `gone` is removed in the end.
    pub(crate) fn spawn(arguments: &[String], ready: &str, gone: Option<&Path>) -> Self {
        let found = Command::new("redis-server").arg("--version").output();
        assert!(
            found.is_ok_and(|output| output.status.success()),
            "install redis-server (apt-get install redis-server)"
        );
        let mut child = Command::new("sh")
            .args(["-c", START, "sh"])
            .arg(gone.map_or("".as_ref(), Path::as_os_str))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start redis-server: {error}"));
        let (Some(lifeline), Some(log)) = (child.stdin.take(), child.stdout.take()) else {
            panic!("redis-server has no pipes");
        };
        wait_until(log, ready);
        Self { child, lifeline }
    }

    /// Kills it with SIGKILL.
    pub(crate) fn kill(mut self) {
        drop(self.lifeline);
        let _ = self.child.wait();
    }

    /// Sends a signal, as `kill SIGNAL` does.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args([signal, &pid]).status();
        assert!(status.is_ok_and(|status| status.success()), "kill {signal} failed");
    }
}

/// Reads the log up to the line that says `ready`, and the rest in the background, so that
/// the server never blocks on it.
fn wait_until(log: ChildStdout, ready: &str) {
    let mut log = BufReader::new(log);
    let mut seen = String::new();
    while !seen.to_lowercase().contains(ready) {
        match log.read_line(&mut seen) {
            Ok(0) | Err(_) => panic!("redis-server did not start:\n{seen}"),
            Ok(_) => {}
        }
    }
    thread::spawn(move || io::copy(&mut log, &mut io::sink()));
}
