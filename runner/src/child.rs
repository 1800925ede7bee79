//! The process of a job, below its supervisor.

use std::{ffi::OsString, io, path::Path, process::Stdio};

use tokio::{
    io::AsyncWriteExt as _,
    process::{Child as Process, ChildStderr, ChildStdin, ChildStdout, Command},
};

use crate::{
    close_reason::Exit,
    supervise::{TERMINATE, own_program},
};

#[derive(Debug)]
pub(crate) struct ProcessSpec {
    /// The program and its arguments.
    pub(crate) command: Vec<OsString>,
    /// Added to the runner's own environment without its `SPIDERQ_` variables; where a name occurs
    /// twice, the last one holds.
    pub(crate) environment: Vec<(OsString, OsString)>,
}

/// A running program. Dropping it kills its whole process group.
#[derive(Debug)]
pub(crate) struct Child {
    process: Process,
    /// The supervisor's standard input: it kills the group when this is closed.
    control: Option<ChildStdin>,
}

impl Child {
    /// Starts the program in `work`, a part of the job's private `folder`.
    pub(crate) fn start(
        spec: &ProcessSpec,
        folder: &Path,
        work: &Path,
    ) -> io::Result<(Self, Output)> {
        let mut process = supervised(spec, folder, work).spawn()?;
        let (Some(out), Some(err)) = (process.stdout.take(), process.stderr.take()) else {
            return Err(io::Error::other("the program's output can't be read"));
        };
        let control = process.stdin.take();
        Ok((Self { process, control }, Output { out, err }))
    }

    /// Has the supervisor send SIGTERM to the program.
    pub(crate) async fn terminate(&mut self) {
        if let Some(control) = &mut self.control {
            // The write fails if the supervisor has just ended, and the program with it.
            let _ = control.write_all(&[TERMINATE]).await;
        }
    }

    /// Kills the whole process group.
    pub(crate) fn kill(&mut self) {
        self.control = None;
    }

    /// Waits until the process has ended. May be dropped and called again.
    pub(crate) async fn wait(&mut self) -> io::Result<Exit> {
        self.process.wait().await.map(Exit::from)
    }
}

fn supervised(spec: &ProcessSpec, folder: &Path, work: &Path) -> Command {
    let mut command = Command::new(own_program());
    command
        .arg("supervise")
        .arg("--folder")
        .arg(folder)
        .arg("--")
        .args(&spec.command)
        .current_dir(work)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Ctrl-C at a terminal goes to the runner's process group and must not reach jobs.
        .process_group(0);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SPIDERQ_") {
            command.env_remove(name);
        }
    }
    command.envs(spec.environment.iter().map(|(name, value)| (name, value)));
    command
}

#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) out: ChildStdout,
    pub(crate) err: ChildStderr,
}
