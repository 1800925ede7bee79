//! The system's limit of open files, which is the true limit of connections.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Open files that are no connections: those of the store, the log and the runtime.
const OTHER_FILES: u64 = 64;

/// Raises the process's soft limit of open files to the hard one, and logs a warning where that
/// does not suffice for so many `connections`.
pub fn raise_open_file_limit(connections: u32) {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "can't raise the limit of open files");
    }
    // `None`: the system sets no limit.
    let open_files = getrlimit(Resource::Nofile).current;
    if open_files.is_some_and(|limit| limit < u64::from(connections) + OTHER_FILES) {
        tracing::warn!(open_files, connections, "the system allows fewer connections");
    }
}
