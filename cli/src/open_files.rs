//! The system's limit of open files, which is the true limit of connections.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Files that are no connections: the store's, the log, the runtime's.
const OTHERS: u64 = 64;

/// Raises the limit as far as this process may, and says so where that is not enough for
/// so many `connections`.
pub(crate) fn allow(connections: u32) {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "can't raise the limit of open files");
    }
    // None: there is no limit.
    let open_files = getrlimit(Resource::Nofile).current;
    if open_files.is_some_and(|most| most < u64::from(connections) + OTHERS) {
        tracing::warn!(open_files, connections, "the system allows fewer connections");
    }
}
