//! What other processes may see of this one.

/// Keeps the memory and the environment of this process, which hold keys and secrets, from other
/// processes of the same user, and out of core dumps. Only on Linux.
pub fn hide_process() {
    #[cfg(target_os = "linux")]
    if let Err(error) =
        rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
    {
        tracing::warn!(%error, "other processes of this user can read this one's memory");
    }
}
