//! The process between the runner and a job's program: it kills the program's whole process group
//! when the runner is gone, even by `kill -9`.
//!
//! Its standard input is a pipe that only the runner holds. A byte on it means SIGTERM to the
//! program; the end of the pipe kills the group. The kernel's parent-death signal alone is not
//! enough: it reaches one process, not its children, and is sent when the *thread* that started
//! the process ends. Here it only covers the death of the supervisor itself.

use std::{
    ffi::OsString,
    fs,
    io::{self, Read as _},
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    path::PathBuf,
    process::{Child, Command, ExitCode, ExitStatus, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, getpid, getppid, kill_process, kill_process_group, waitid,
};

use crate::system::die_with_parent;

/// The byte on the control pipe that asks for SIGTERM.
pub(crate) const TERMINATE: u8 = b't';
/// The exit code of a shell for a program that it can't run.
const EXIT_NOT_RUN: u8 = 127;

/// The arguments of `spiderq supervise`.
#[derive(Clone, Debug)]
pub struct Supervise {
    /// The process id of the supervisor. Set only in the second process, which becomes the program
    /// and must be a child of that supervisor.
    pub parent: Option<i32>,
    /// Removed if the runner is gone and can't do it.
    pub folder: Option<PathBuf>,
    /// The program and its arguments; at least one.
    pub command: Vec<OsString>,
}

/// Runs the program and ends as it does: with the same exit code, or by the same signal.
#[must_use]
pub fn supervise(settings: Supervise) -> ExitCode {
    match settings.parent {
        Some(parent) => become_program(parent, &settings.command),
        None => supervise_child(&settings),
    }
}

/// Arranges to die with the supervisor, then replaces this process by the program.
fn become_program(parent: i32, command: &[OsString]) -> ExitCode {
    let Some((program, args)) = command.split_first() else {
        return ExitCode::from(EXIT_NOT_RUN);
    };
    if let Err(error) = die_with_parent() {
        return not_run(program, &error);
    }
    // A supervisor that died before that call sends no signal.
    if getppid().map(|pid| pid.as_raw_nonzero().get()) != Some(parent) {
        return ExitCode::from(EXIT_NOT_RUN);
    }
    let error = Command::new(program).args(args).exec();
    not_run(program, &error)
}

fn not_run(program: &OsString, error: &io::Error) -> ExitCode {
    eprintln!("spiderq: can't run {}: {error}", program.display());
    ExitCode::from(EXIT_NOT_RUN)
}

fn supervise_child(settings: &Supervise) -> ExitCode {
    let mut child = match spawn_program(&settings.command) {
        Ok(child) => child,
        Err(error) => return not_run(&"the job".into(), &error),
    };
    let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else {
        return ExitCode::from(EXIT_NOT_RUN);
    };
    let state = Arc::new(Mutex::new(State { program: Some(pid), runner_gone: false }));
    let shared = Arc::clone(&state);
    thread::spawn(move || obey_runner(&shared));
    let ended = wait_and_kill_group(&mut child, pid, &state);
    if lock(&state).runner_gone
        && let Some(folder) = &settings.folder
    {
        // An error means that the runner has removed it before it went.
        let _ = fs::remove_dir_all(folder);
    }
    end_like(ended)
}

/// Starts this program once more; it becomes the job's program.
fn spawn_program(command: &[OsString]) -> io::Result<Child> {
    let own_pid = getpid().as_raw_nonzero().get().to_string();
    Command::new(own_program())
        .args(["supervise", "--parent", &own_pid, "--"])
        .args(command)
        .stdin(Stdio::null())
        .process_group(0)
        .spawn()
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

/// Kills what the program left behind in its group before the program is reaped: until then no
/// other group can get its number.
fn wait_and_kill_group(
    child: &mut Child,
    pid: Pid,
    state: &Mutex<State>,
) -> io::Result<ExitStatus> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(pid), options) {}
    lock(state).program = None;
    // An error means that nothing was left behind.
    let _ = kill_process_group(pid, Signal::KILL);
    child.wait()
}

/// Returns when the runner is gone, after the program's group is killed.
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
    let code = status.code().and_then(|code| u8::try_from(code).ok());
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
