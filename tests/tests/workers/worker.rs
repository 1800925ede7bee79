//! The program `worker` as a child process.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, ChildStdout, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use spiderq_tests::Stack;

/// A worker with a job. Killed when dropped.
pub(crate) struct Worker {
    child: Child,
    lines: BufReader<ChildStdout>,
    /// Its job.
    pub(crate) key: String,
    /// The end of its first lease, ms since the epoch.
    pub(crate) lease_end: u64,
}

impl Worker {
    /// Starts one; see [`Worker::has_job`].
    pub(crate) fn start(url: &str, project: i64, lease_ms: i64) -> Self {
        let (project, lease_ms) = (project.to_string(), lease_ms.to_string());
        let mut child = Command::new(env!("CARGO_BIN_EXE_worker"))
            .args([url, Stack::KEY, &project, &lease_ms])
            .stdout(Stdio::piped())
            .spawn()
            .expect("a worker");
        let lines = BufReader::new(child.stdout.take().expect("its output"));
        Self { child, lines, key: String::new(), lease_end: 0 }
    }

    /// Waits until it has a job.
    pub(crate) fn has_job(mut self) -> Self {
        let line = self.line();
        let mut words = line.strip_prefix("started ").expect(&line).split(' ');
        self.key = words.next().unwrap().to_owned();
        self.lease_end = words.next().unwrap().parse().unwrap();
        self
    }

    /// The next line that it says.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }

    /// The end of its lease after its next heartbeat.
    pub(crate) fn beat(&mut self) -> u64 {
        let line = self.line();
        line.strip_prefix("beat ").expect(&line).parse().unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("a process");
    }

    /// What it says to its end, without heartbeats.
    pub(crate) fn rest(&mut self) -> Vec<String> {
        let lines = self.lines.by_ref().lines();
        let lines = lines.map(|line| line.expect("a line"));
        lines.filter(|line| !line.starts_with("beat ")).collect()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
