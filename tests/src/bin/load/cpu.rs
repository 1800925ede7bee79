//! CPU time of another process, from /proc.

use std::{fs, process::Command, time::Duration};

/// A point in a process's CPU time.
pub(crate) struct CpuTime {
    pid: u32,
    at: Duration,
}

impl CpuTime {
    /// Now.
    pub(crate) fn of(pid: u32) -> Self {
        let at = used(pid);
        Self { pid, at }
    }

    /// What it has used since.
    pub(crate) fn elapsed(&self) -> Duration {
        used(self.pid).saturating_sub(self.at)
    }
}

/// User and system time of all its threads.
fn used(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("a running server");
    // The second field is a name in parentheses, which may hold spaces.
    let (_, rest) = stat.rsplit_once(") ").expect("a stat line");
    let fields: Vec<&str> = rest.split(' ').collect();
    let ticks: f64 = [11, 12].map(|at| fields[at].parse::<f64>().unwrap()).iter().sum();
    Duration::from_secs_f64(ticks / ticks_per_second())
}

fn ticks_per_second() -> f64 {
    let output = Command::new("getconf").arg("CLK_TCK").output();
    let text = String::from_utf8(output.expect("getconf").stdout).unwrap();
    text.trim().parse().expect("a number of ticks")
}
