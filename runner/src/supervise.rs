//! The process between the runner and a job's program: it ends all that the job has started when
//! the program has ended, and when the runner is gone, even by `kill -9`.
//!
//! Its standard input is a pipe that only the runner holds. The job's environment comes first, for
//! the program only (`environment_frame`). A byte after that means SIGTERM to the program; the end
//! of the pipe kills it. The kernel's parent-death signal alone is not enough: it reaches one
//! process, not its children, and is sent when the *thread* that started the process ends. Here it
//! only covers the death of the supervisor itself.

use std::{
    ffi::OsString,
    fs,
    io::{self, Read as _, Write as _},
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    path::PathBuf,
    process::{Command, ExitCode, ExitStatus, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use rustix::{
    fs::fchown,
    io::Errno,
    process::{
        Gid, Pid, Signal, Uid, WaitId, WaitIdOptions, WaitOptions, WaitStatus, getpid,
        kill_process, kill_process_group, wait, waitid, waitpid,
    },
};
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
};

use crate::{
    become_program::become_program,
    descendants, environment_frame,
    resource_limits::ResourceLimits,
    system::{adopt_orphans, hide_from_jobs},
};

/// The byte on the control pipe that asks for SIGTERM.
pub(crate) const TERMINATE: u8 = b't';
/// The exit code of a shell for a program that it can't run.
pub(crate) const EXIT_NOT_RUN: u8 = 127;

/// The arguments of `spiderq supervise`.
#[derive(Clone, Debug, Default)]
pub struct Supervise {
    /// The process id of the supervisor. Set only in the second process, which becomes the program
    /// and must be a child of that supervisor.
    pub parent: Option<i32>,
    /// Removed if the runner is gone and can't do it.
    pub folder: Option<PathBuf>,
    /// The user and the group of the program; `None`: those of the supervisor.
    pub user: Option<(u32, u32)>,
    /// The program may not become another user.
    pub no_new_privileges: bool,
    /// Limits of the program, not of the supervisor.
    pub limits: ResourceLimits,
    /// The program and its arguments; at least one.
    pub command: Vec<OsString>,
}

/// Runs the program and ends as it does: with the same exit code, or by the same signal.
#[must_use]
pub fn supervise(settings: Supervise) -> ExitCode {
    match settings.parent {
        Some(parent) => become_program(parent, &settings),
        None => supervise_child(&settings),
    }
}

pub(crate) fn not_run(program: &OsString, error: &io::Error) -> ExitCode {
    eprintln!("spiderq: can't run {}: {error}", program.display());
    ExitCode::from(EXIT_NOT_RUN)
}

fn supervise_child(settings: &Supervise) -> ExitCode {
    hide_from_jobs();
    outlive_hangup();
    let environment = match environment_frame::read(&mut io::stdin().lock()) {
        Ok(environment) => environment,
        Err(_) => {
            remove(settings.folder.as_ref());
            return ExitCode::from(EXIT_NOT_RUN);
        }
    };
    let started = adopt_orphans().and_then(|()| spawn_program(settings, &environment));
    let pid = match started {
        Ok(pid) => pid,
        Err(error) => return not_run(&"the job".into(), &error),
    };
    let state = Arc::new(Mutex::new(State { program: Some(pid), runner_gone: false }));
    let shared = Arc::clone(&state);
    thread::spawn(move || obey_runner(&shared));
    let ended = wait_and_kill_group(pid, &state);
    if !descendants::end_all() {
        eprintln!("spiderq: processes that the job has started can't be ended");
    }
    if lock(&state).runner_gone {
        remove(settings.folder.as_ref());
    }
    end_like(ended)
}

fn remove(folder: Option<&PathBuf>) {
    if let Some(folder) = folder {
        // An error means that the runner has removed it before it went.
        let _ = fs::remove_dir_all(folder);
    }
}

/// A terminal that is closed, or whoever sends SIGHUP to all of spiderq, does not mean jobs.
fn outlive_hangup() {
    let Ok(runtime) = runtime::Builder::new_current_thread().enable_io().build() else {
        return;
    };
    let _entered = runtime.enter();
    // The signal stays caught when its listener is gone. A program that is started gets its
    // default.
    let _ = signal(SignalKind::hangup());
}

/// Starts this program once more; it becomes the job's program.
fn spawn_program(settings: &Supervise, environment: &[u8]) -> io::Result<Pid> {
    let own_pid = getpid().as_raw_nonzero().get().to_string();
    let mut command = Command::new(own_program());
    command.args(["supervise", "--parent", &own_pid]).args(settings.limits.flags());
    if let Some((uid, gid)) = settings.user {
        // Other groups of the supervisor go with that.
        command.uid(uid).gid(gid).arg("--no-new-privileges");
        // The program may open its outputs by their names (`/dev/stdout`).
        let (user, group) = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
        fchown(io::stdout(), user, group)?;
        fchown(io::stderr(), user, group)?;
    }
    command.arg("--").args(&settings.command).stdin(Stdio::piped()).process_group(0);
    let mut child = command.spawn()?;
    if let Some(mut input) = child.stdin.take() {
        // An error means that it has ended, and said why.
        let _ = input.write_all(environment);
    }
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    pid.ok_or_else(|| io::Error::other("it has no process id"))
}

/// Shared by the thread that waits for the program and the one that listens to the runner.
#[derive(Debug)]
struct State {
    /// `None` once the program has ended: its process id may then become another process's.
    program: Option<Pid>,
    runner_gone: bool,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reaps orphans until the program has ended. Kills what the program left behind in its group
/// before it is reaped: until then no other group can get its number.
fn wait_and_kill_group(pid: Pid, state: &Mutex<State>) -> io::Result<ExitStatus> {
    let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    loop {
        match waitid(WaitId::All, ended) {
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        let mut state = lock(state);
        if !matches!(waitid(WaitId::Pid(pid), ended | WaitIdOptions::NOHANG), Ok(None)) {
            state.program = None;
            // An error means that nothing was left behind.
            let _ = kill_process_group(pid, Signal::KILL);
            let reaped = waitpid(Some(pid), WaitOptions::empty())?;
            return reaped.map(|(_, status)| exit_status(status)).ok_or(Errno::CHILD.into());
        }
        // The program may have ended since, and be the one that is reaped.
        if let Ok(Some((reaped, status))) = wait(WaitOptions::NOHANG)
            && reaped == pid
        {
            state.program = None;
            return Ok(exit_status(status));
        }
    }
}

fn exit_status(status: WaitStatus) -> ExitStatus {
    ExitStatus::from_raw(status.as_raw())
}

/// Returns when the runner is gone, after the program and its group are killed.
fn obey_runner(state: &Mutex<State>) {
    let mut byte = [0];
    loop {
        match io::stdin().read(&mut byte) {
            Ok(1) if byte[0] == TERMINATE => {
                if let Some(pid) = lock(state).program {
                    // An error means that the program has just ended.
                    let _ = kill_process(pid, Signal::TERM);
                }
            }
            Ok(1) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(_) | Err(_) => break,
        }
    }
    let mut state = lock(state);
    state.runner_gone = true;
    if let Some(pid) = state.program {
        let _ = kill_process_group(pid, Signal::KILL);
        // It may have left its group.
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// Ends this process as the program ended.
fn end_like(ended: io::Result<ExitStatus>) -> ExitCode {
    let Ok(status) = ended else {
        return ExitCode::from(EXIT_NOT_RUN);
    };
    if let Some(signal) = status.signal().and_then(Signal::from_named_raw) {
        // A signal that does not end this process leaves it to the exit code below.
        let _ = kill_process(getpid(), signal);
    }
    // As a shell says it.
    let code = status.code().or_else(|| Some(128 + status.signal()?));
    let code = code.and_then(|code| u8::try_from(code).ok());
    ExitCode::from(code.unwrap_or(1))
}

/// The running program, even if its file has been replaced since it started.
pub(crate) fn own_program() -> PathBuf {
    let running = PathBuf::from("/proc/self/exe");
    match running.exists() {
        true => running,
        false => std::env::current_exe().unwrap_or(running),
    }
}
