//! What only some systems can do. On Linux all of it; elsewhere a runner does without.

use std::{io, path::Path};

/// Makes a named pipe that only this user can open.
#[cfg(target_os = "linux")]
pub(crate) fn make_pipe(path: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, Mode, mkfifoat};
    Ok(mkfifoat(CWD, path, Mode::RUSR | Mode::WUSR)?)
}

/// Makes a named pipe that only this user can open.
#[cfg(not(target_os = "linux"))]
pub(crate) fn make_pipe(path: &Path) -> io::Result<()> {
    let mut mkfifo = std::process::Command::new("mkfifo");
    match mkfifo.args(["-m", "600"]).arg(path).status()?.success() {
        true => Ok(()),
        false => Err(io::Error::other("mkfifo failed")),
    }
}

/// Has this process killed when its parent dies.
pub(crate) fn die_with_parent() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    Ok(())
}

/// Keeps the memory and the environment of this process, which hold its key, from others of
/// the same user: the jobs that it runs.
pub(crate) fn hide_from_jobs() {
    #[cfg(target_os = "linux")]
    if let Err(error) =
        rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
    {
        tracing::warn!(%error, "jobs could read the memory of this process");
    }
}
