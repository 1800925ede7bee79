//! Ends every process that a job has started, also those that left its process group by `setsid`.
//!
//! The supervisor is their subreaper: whatever a job starts stays below it, and becomes its child
//! when the process between them ends. So there are none left once it has no child.

use std::{
    thread,
    time::{Duration, Instant},
};

use rustix::{io::Errno, process::WaitOptions, process::wait};

/// How long processes may take to end that were killed. Those of another user may not end at all.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Between two looks. What is killed ends within microseconds.
const PAUSE: Duration = Duration::from_millis(2);

/// Kills and reaps all descendants of this process. Returns whether none is left.
#[expect(clippy::disallowed_methods, reason = "the supervisor has nothing else to do by then")]
pub(crate) fn end_all() -> bool {
    let begun = Instant::now();
    loop {
        // Each look reaches the children of those that the last one killed.
        platform::kill_all();
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some(_)) | Err(Errno::INTR) => {}
                Ok(None) => break,
                Err(_) => return true,
            }
        }
        if begun.elapsed() > TIMEOUT {
            return false;
        }
        thread::sleep(PAUSE);
    }
}

#[cfg(target_os = "linux")]
mod platform {
    use std::{
        collections::{BTreeMap, BTreeSet},
        fs,
    };

    use rustix::{
        io::Errno,
        process::{Pid, PidfdFlags, Signal, getpid, kill_process, pidfd_open, pidfd_send_signal},
    };

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) struct Process {
        pub(super) parent: i32,
        /// With its number it names a process for ever.
        pub(super) start: u64,
    }

    /// Sends SIGKILL to all descendants that there are at this moment.
    pub(super) fn kill_all() {
        let own = getpid().as_raw_nonzero().get();
        let processes = processes();
        for pid in descendants(own, &processes) {
            if let (Some(number), Some(process)) = (Pid::from_raw(pid), processes.get(&pid)) {
                kill(number, *process, own);
            }
        }
    }

    /// Another process may have got the number since it was read, unless it is a child of this one,
    /// which keeps its number until it is reaped here.
    fn kill(pid: Pid, process: Process, own: i32) {
        // An error means that it has ended.
        let _ = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(pidfd) if read(pid.as_raw_nonzero().get()) == Some(process) => {
                pidfd_send_signal(pidfd, Signal::KILL)
            }
            Err(Errno::NOSYS) if process.parent == own => kill_process(pid, Signal::KILL),
            Ok(_) | Err(_) => Ok(()),
        };
    }

    fn processes() -> BTreeMap<i32, Process> {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter_map(|pid| Some((pid, read(pid)?))).collect()
    }

    fn read(pid: i32) -> Option<Process> {
        parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// Fields 4 and 22 of `/proc/PID/stat`. Field 2 is a name in parentheses, which may hold any.
    pub(super) fn parse(stat: &str) -> Option<Process> {
        let mut fields = stat[stat.rfind(')')? + 1..].split_whitespace();
        let parent = fields.nth(1)?.parse().ok()?;
        let start = fields.nth(17)?.parse().ok()?;
        Some(Process { parent, start })
    }

    pub(super) fn descendants(own: i32, processes: &BTreeMap<i32, Process>) -> BTreeSet<i32> {
        let mut found = BTreeSet::from([own]);
        loop {
            let below = processes.iter().filter(|(_, process)| found.contains(&process.parent));
            let below: BTreeSet<i32> = below.map(|(pid, _)| *pid).collect();
            let count = found.len();
            found.extend(below);
            if found.len() == count {
                break;
            }
        }
        found.remove(&own);
        found
    }
}

/// Elsewhere only the process group of a program is killed.
#[cfg(not(target_os = "linux"))]
mod platform {
    pub(super) fn kill_all() {}
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::platform::{Process, descendants, parse};

    #[test]
    fn a_process_is_read_whatever_its_name_is() {
        let fields = "S 7 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 1 1";
        let expected = Some(Process { parent: 7, start: 4711 });
        for name in ["sh", "a) R 1 (b", ""] {
            assert_eq!(parse(&format!("12 ({name}) {fields}\n")), expected);
        }
        assert_eq!(parse("12 (sh) S"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn descendants_are_found_at_any_depth() {
        let parents = [(2, 1), (3, 9), (9, 2), (4, 3), (5, 1), (6, 5)];
        let process = |(pid, parent)| (pid, Process { parent, start: 0 });
        let processes = parents.into_iter().map(process).collect();
        assert_eq!(descendants(2, &processes), [3, 4, 9].into());
        assert!(descendants(6, &processes).is_empty());
    }
}
