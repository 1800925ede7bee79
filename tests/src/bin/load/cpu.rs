//! CPU time of other processes, from /proc.

use std::{fs, process, process::Command, time::Duration};

/// A point in the CPU time of some processes.
pub(crate) struct CpuTime {
    pids: Vec<u32>,
    at: Duration,
}

impl CpuTime {
    /// Now, of one.
    pub(crate) fn of(pid: u32) -> Self {
        Self::of_all(vec![pid])
    }

    /// Now, of all of these together.
    pub(crate) fn of_all(pids: Vec<u32>) -> Self {
        let at = pids.iter().map(|&pid| used(pid)).sum();
        Self { pids, at }
    }

    /// Now, of this program: what it costs to be the client.
    pub(crate) fn own() -> Self {
        Self::of(process::id())
    }

    /// What they have used since.
    pub(crate) fn elapsed(&self) -> Duration {
        let now: Duration = self.pids.iter().map(|&pid| used(pid)).sum();
        now.saturating_sub(self.at)
    }

    /// The same, us for each of `count`.
    pub(crate) fn us_each(&self, count: usize) -> f64 {
        self.elapsed().as_secs_f64() * 1e6 / count as f64
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
