//! Calls that differ between operating systems. Only on Linux are jobs kept from the runner's
//! memory and killed by the kernel with their supervisor.

use std::{io, path::Path};

/// Creates a named pipe that only this user can open.
#[cfg(target_os = "linux")]
pub(crate) fn make_fifo(path: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, Mode, mkfifoat};
    Ok(mkfifoat(CWD, path, Mode::RUSR | Mode::WUSR)?)
}

/// Creates a named pipe that only this user can open.
#[cfg(not(target_os = "linux"))]
pub(crate) fn make_fifo(path: &Path) -> io::Result<()> {
    let mut mkfifo = std::process::Command::new("mkfifo");
    match mkfifo.args(["-m", "600"]).arg(path).status()?.success() {
        true => Ok(()),
        false => Err(io::Error::other("mkfifo failed")),
    }
}

/// From now on processes that a job leaves behind become children of this one.
pub(crate) fn adopt_orphans() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    Ok(())
}

/// From now on neither this process nor its children become another user by `sudo` and the like.
pub(crate) fn forbid_new_privileges() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::thread::set_no_new_privs(true)?;
    Ok(())
}

/// From now on the kernel kills this process when its parent dies.
pub(crate) fn die_with_parent() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    Ok(())
}

/// Keeps the memory and the environment of this process from other processes of the same user:
/// jobs. Those of a runner hold its API key.
pub(crate) fn hide_from_jobs() {
    #[cfg(target_os = "linux")]
    if let Err(error) =
        rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
    {
        tracing::warn!(%error, "hiding this process from jobs failed; those of its user can read its memory");
    }
}

/// The name of this machine.
#[must_use]
pub fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
