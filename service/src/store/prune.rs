//! What [`Store::prune`](super::Store::prune) is to leave.

use crate::model::Position;

/// How much of a state to keep. What is `None` bounds nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// Jobs that entered the state at this place or later.
    pub from: Option<Position>,
    /// At most so many jobs.
    pub jobs: Option<u64>,
    /// Jobs with at most so many bytes of metadata ([`Metadata::bytes`]) in all.
    ///
    /// [`Metadata::bytes`]: crate::model::Metadata::bytes
    pub bytes: Option<u64>,
}
