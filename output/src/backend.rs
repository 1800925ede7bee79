//! Where outputs are kept: what [`Files`](crate::Files) and an object store have in common.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use spiderq_core::{error::Result, model::JobKey};

use crate::OutputId;

/// Objects that one [`Backend::list`] answers at most.
pub(crate) const LIST_PAGE: usize = 1_000;

/// A state of a tail, which every append changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Which object or file it was.
    pub tag: Arc<str>,
    /// Its length, bytes.
    pub len: u64,
}

/// How much of a tail a reader has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The offset of the tail's first line.
    pub start: u64,
    /// Bytes of the tail from its beginning on.
    pub len: u64,
}

/// A tail as a reader gets it: it may end within a record.
#[derive(Clone, Debug)]
pub enum Peeked {
    /// There is none.
    Missing,
    /// What follows the part that was known.
    More(Bytes),
    /// All of it: it is another one than was known, or none was.
    Whole(Bytes),
}

/// Keeps objects, by the job and a name. Names have no `/`. A write that is done survives a loss of
/// power. Tails are the only objects that change, and each change is atomic among all processes.
#[async_trait]
pub trait Backend: Send + Sync + fmt::Debug {
    /// Bytes of a tail beyond which its lines should go into a segment.
    fn tail_bytes(&self) -> u64;

    /// The tail, and the version that the next change must name. What a crash has left behind its
    /// last whole record is cut off.
    async fn load_tail(&self, id: &OutputId) -> Result<Option<(Version, Bytes)>>;

    /// The tail for a reader, who has `known` of it.
    async fn peek_tail(&self, id: &OutputId, known: Option<Known>) -> Result<Peeked>;

    /// Appends a record to a tail; `None` where it is not in this version any more, and then
    /// nothing is done.
    async fn append_tail(
        &self,
        id: &OutputId,
        at: &Version,
        record: Bytes,
    ) -> Result<Option<Version>>;

    /// Writes a tail anew in place of this version, or of none; `None` where that is not what there
    /// is, and then nothing is done.
    async fn replace_tail(
        &self,
        id: &OutputId,
        at: Option<&Version>,
        tail: Bytes,
    ) -> Result<Option<Version>>;

    /// Names and sizes in bytes of a job's objects whose names begin with `prefix` and come after
    /// `after`, in order of the names; up to 1,000.
    async fn list(&self, key: JobKey, prefix: &str, after: &str) -> Result<Vec<(String, u64)>>;

    /// An object; `None` where there is none.
    async fn get(&self, key: JobKey, name: &str) -> Result<Option<Bytes>>;

    /// Writes an object that never changes: one of the same name has the same lines.
    async fn put(&self, key: JobKey, name: &str, object: Bytes) -> Result<()>;

    /// Removes an object, if it is there.
    async fn remove(&self, key: JobKey, name: &str) -> Result<()>;

    /// Removes all objects of a job.
    async fn remove_job(&self, key: JobKey) -> Result<()>;

    /// Numbers of the projects that have objects, or of the spiders of a project, or of the jobs of
    /// a spider, by how many numbers are given; in rising order.
    async fn numbers(&self, of: &[u64]) -> Result<Vec<u64>>;

    /// Whose outputs these are: `owner`, if nobody's so far.
    async fn owner(&self, owner: &str) -> Result<String>;

    /// An error when it does not answer, or nothing can be written.
    async fn ping(&self) -> Result<()>;
}
