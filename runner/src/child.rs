//! The process of a job, below its supervisor.

use std::{ffi::OsString, io, path::Path, process::Stdio};

use tokio::{
    io::AsyncWriteExt as _,
    process::{Child as Process, ChildStderr, ChildStdin, ChildStdout, Command},
};

use crate::{
    close_reason::Exit,
    environment_frame,
    resource_limits::ResourceLimits,
    supervise::{TERMINATE, own_program},
};

#[derive(Debug)]
pub(crate) struct ProcessSpec {
    /// The program and its arguments.
    pub(crate) command: Vec<OsString>,
    /// Added to the runner's own environment without its `SPIDERQ_` variables; where a name occurs
    /// twice, the last one holds.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// The number of its user and of its group; `None`: those of the runner.
    pub(crate) user: Option<(u32, u32)>,
    pub(crate) limits: ResourceLimits,
}

impl ProcessSpec {
    /// The program, if it is given by an absolute path.
    pub(crate) fn program(&self) -> Option<&Path> {
        self.command.first().map(Path::new).filter(|program| program.is_absolute())
    }
}

/// A running program. Dropping it kills it and all that it has started.
#[derive(Debug)]
pub(crate) struct Child {
    process: Process,
    /// The supervisor's standard input: it kills the program when this is closed.
    control: Option<ChildStdin>,
}

impl Child {
    /// Starts the program in `work`, a part of the job's private `folder`.
    pub(crate) async fn start(
        spec: &ProcessSpec,
        folder: &Path,
        work: &Path,
    ) -> io::Result<(Self, Output)> {
        let mut process = supervised(spec, folder, work).spawn()?;
        let (Some(out), Some(err)) = (process.stdout.take(), process.stderr.take()) else {
            return Err(io::Error::other("the program's output can't be read"));
        };
        let mut control = process.stdin.take();
        if let Some(control) = &mut control {
            // An error means that the supervisor has ended, and said why.
            let _ = control.write_all(&environment_frame::encode(&spec.environment)).await;
        }
        Ok((Self { process, control }, Output { out, err }))
    }

    /// Has the supervisor send SIGTERM to the program.
    pub(crate) async fn terminate(&mut self) {
        if let Some(control) = &mut self.control {
            // The write fails if the supervisor has just ended, and the program with it.
            let _ = control.write_all(&[TERMINATE]).await;
        }
    }

    /// Kills the program and all that it has started.
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
    command.arg("supervise").arg("--folder").arg(folder).args(spec.limits.flags());
    if let Some((uid, gid)) = spec.user {
        command.arg(format!("--uid={uid}")).arg(format!("--gid={gid}"));
    }
    command
        .arg("--")
        .args(&spec.command)
        .current_dir(work)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Ctrl-C at a terminal goes to the runner's process group and must not reach jobs.
        .process_group(0);
    withhold_secrets(&mut command);
    command
}

/// Has a process start without the variables of the runner that hold or lead to its API key. Unlike
/// the runner's, the variables of such a process can be read by jobs of its user.
pub(crate) fn withhold_secrets(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("SPIDERQ_") || text == "CREDENTIALS_DIRECTORY" {
            command.env_remove(name);
        }
    }
}

#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) out: ChildStdout,
    pub(crate) err: ChildStderr,
}
