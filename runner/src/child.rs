//! The process of a job, below its supervisor.

use std::{ffi::OsString, io, path::Path, process::Stdio};

use tokio::{
    io::AsyncWriteExt as _,
    process::{Child as Process, ChildStderr, ChildStdin, ChildStdout, Command},
};

use crate::{
    outcome::Exit,
    supervise::{TERMINATE, own_program},
};

/// What to run.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The program and its arguments.
    pub(crate) command: Vec<OsString>,
    /// Over the runner's own environment, of which its settings are left out.
    pub(crate) environment: Vec<(OsString, OsString)>,
}

/// A running program. Its whole process group is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Child {
    process: Process,
    control: Option<ChildStdin>,
}

impl Child {
    /// Starts it in `work`, which lies in the job's private `folder`.
    pub(crate) fn start(plan: &Plan, folder: &Path, work: &Path) -> io::Result<(Self, Output)> {
        let mut command = Command::new(own_program());
        command
            .arg("supervise")
            .arg("--folder")
            .arg(folder)
            .arg("--")
            .args(&plan.command)
            .current_dir(work)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // What a terminal sends to the runner's group is not for jobs.
            .process_group(0);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("SPIDERQ_") {
                command.env_remove(name);
            }
        }
        command.envs(plan.environment.iter().map(|(name, value)| (name, value)));
        let mut process = command.spawn()?;
        let (Some(out), Some(err)) = (process.stdout.take(), process.stderr.take()) else {
            return Err(io::Error::other("its output can't be read"));
        };
        let control = process.stdin.take();
        Ok((Self { process, control }, Output { out, err }))
    }

    /// Asks it to stop, as politely as may be.
    pub(crate) async fn terminate(&mut self) {
        if let Some(control) = &mut self.control {
            // An error means that it ends this moment.
            let _ = control.write_all(&[TERMINATE]).await;
        }
    }

    /// Ends its whole group at once.
    pub(crate) fn kill(&mut self) {
        self.control = None;
    }

    /// Waits for its end. May be dropped and called again.
    pub(crate) async fn wait(&mut self) -> io::Result<Exit> {
        self.process.wait().await.map(Exit::from)
    }
}

/// What it prints.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) out: ChildStdout,
    pub(crate) err: ChildStderr,
}
