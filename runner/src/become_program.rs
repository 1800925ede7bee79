//! The second process below the runner, which becomes a job's program: it gives up what the job
//! must not have, then replaces itself. It still runs this binary, with the runner's variables;
//! those of the job come on its standard input and reach the program only.

use std::{
    ffi::OsString,
    io,
    os::unix::process::CommandExt as _,
    process::{Command, ExitCode, Stdio},
};

use rustix::process::getppid;

use crate::{
    environment_frame,
    supervise::{EXIT_NOT_RUN, Supervise, not_run},
    system::{die_with_parent, forbid_new_privileges},
};

/// Returns only if the program can't be run, or if the supervisor `parent` is gone.
pub(crate) fn become_program(parent: i32, settings: &Supervise) -> ExitCode {
    let Some((program, args)) = settings.command.split_first() else {
        return ExitCode::from(EXIT_NOT_RUN);
    };
    // After a change of user, which takes it back.
    if let Err(error) = die_with_parent() {
        return not_run(program, &error);
    }
    // A supervisor that died before that call sends no signal.
    if getppid().map(|pid| pid.as_raw_nonzero().get()) != Some(parent) {
        return ExitCode::from(EXIT_NOT_RUN);
    }
    let error = match replace(program, args, settings) {
        Ok(never) => match never {},
        Err(error) => error,
    };
    not_run(program, &error)
}

fn replace(
    program: &OsString,
    args: &[OsString],
    settings: &Supervise,
) -> io::Result<std::convert::Infallible> {
    let frame = environment_frame::read(&mut io::stdin().lock())?;
    let mut command = Command::new(program);
    command.args(args).envs(environment_frame::decode(&frame)).stdin(Stdio::null());
    if settings.no_new_privileges {
        forbid_new_privileges()?;
    }
    settings.limits.apply()?;
    Err(command.exec())
}
