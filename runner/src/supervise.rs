//! The process between the runner and a job's program: it ends the program's whole process
//! group when the runner is gone, however it went.
//!
//! Its standard input is a pipe that only the runner holds. A byte on it asks the program to
//! stop; the end of it kills the group. A kernel's parent-death signal alone would not do: it
//! reaches one process, not its children, and goes off with the thread that started it. Here
//! it covers the death of the supervisor itself.

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

/// The byte that asks the program to stop.
pub(crate) const TERMINATE: u8 = b't';
/// As a shell answers for a program that can't be run.
const NOT_RUN: u8 = 127;

/// A program to run, and for whom.
#[derive(Clone, Debug)]
pub struct Supervise {
    /// Set in the second step, when this process is about to become the program: who must be
    /// its parent.
    pub parent: Option<i32>,
    /// Removed when the runner is gone and can't do it.
    pub folder: Option<PathBuf>,
    /// The program and its arguments; at least one.
    pub command: Vec<OsString>,
}

/// Runs the program to its end, and ends as it does: with its code, or by its signal.
#[must_use]
pub fn supervise(settings: Supervise) -> ExitCode {
    match settings.parent {
        Some(parent) => become_program(parent, &settings.command),
        None => watch(&settings),
    }
}

/// Takes a place below the supervisor, dies with it, and turns into the program.
fn become_program(parent: i32, command: &[OsString]) -> ExitCode {
    let Some((program, args)) = command.split_first() else {
        return ExitCode::from(NOT_RUN);
    };
    if let Err(error) = die_with_parent() {
        return not_run(program, &error);
    }
    // It may have died before that call: then the signal never comes.
    if getppid().map(|pid| pid.as_raw_nonzero().get()) != Some(parent) {
        return ExitCode::from(NOT_RUN);
    }
    let error = Command::new(program).args(args).exec();
    not_run(program, &error)
}

fn not_run(program: &OsString, error: &io::Error) -> ExitCode {
    eprintln!("spiderq: can't run {}: {error}", program.display());
    ExitCode::from(NOT_RUN)
}

fn watch(settings: &Supervise) -> ExitCode {
    let own = getpid().as_raw_nonzero().get().to_string();
    let started = Command::new(own_program())
        .args(["supervise", "--parent", &own, "--"])
        .args(&settings.command)
        .stdin(Stdio::null())
        .process_group(0)
        .spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) => return not_run(&"the job".into(), &error),
    };
    let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else {
        return ExitCode::from(NOT_RUN);
    };
    let state = Arc::new(Mutex::new(State { alive: Some(pid), alone: false }));
    let shared = Arc::clone(&state);
    thread::spawn(move || obey(&shared));
    let ended = end(&mut child, pid, &state);
    if lock(&state).alone
        && let Some(folder) = &settings.folder
    {
        // An error means that the runner lives after all and has done it.
        let _ = fs::remove_dir_all(folder);
    }
    mirror(ended)
}

/// What both threads know.
#[derive(Debug)]
struct State {
    /// The program's process id while it is the program's and nobody else's.
    alive: Option<Pid>,
    /// Whether the runner is gone.
    alone: bool,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for the program's end, then kills what it left behind in its group. Before it is
/// reaped: until then no other group can have its number.
fn end(child: &mut Child, pid: Pid, state: &Mutex<State>) -> io::Result<ExitStatus> {
    let until = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(pid), until) {}
    lock(state).alive = None;
    // An error means that nothing is left.
    let _ = kill_process_group(pid, Signal::KILL);
    child.wait()
}

/// Does what the runner says, until there is no runner.
fn obey(state: &Mutex<State>) {
    let mut word = [0];
    loop {
        match io::stdin().read(&mut word) {
            Ok(1) if word[0] == TERMINATE => {
                if let Some(pid) = lock(state).alive {
                    // An error means that it ends this moment.
                    let _ = kill_process(pid, Signal::TERM);
                }
            }
            Ok(1) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(_) | Err(_) => break,
        }
    }
    let mut state = lock(state);
    state.alone = true;
    if let Some(pid) = state.alive {
        let _ = kill_process_group(pid, Signal::KILL);
    }
}

/// Ends as the program did.
fn mirror(ended: io::Result<ExitStatus>) -> ExitCode {
    let Ok(status) = ended else {
        return ExitCode::from(NOT_RUN);
    };
    if let Some(signal) = status.signal().and_then(Signal::from_named_raw) {
        // One that does not end this process leaves the code below.
        let _ = kill_process(getpid(), signal);
    }
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    ExitCode::from(code.unwrap_or(1))
}

/// This program, also when its file has been replaced since it started.
pub(crate) fn own_program() -> PathBuf {
    let running = PathBuf::from("/proc/self/exe");
    match running.exists() {
        true => running,
        false => std::env::current_exe().unwrap_or(running),
    }
}
