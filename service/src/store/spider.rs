//! What a store keeps of a spider, and answers to a change of its tags.

use crate::model::{JobId, SpiderId, SpiderName, Tags};

/// A spider of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpiderRecord {
    /// Its number.
    pub id: SpiderId,
    /// Its name.
    pub name: SpiderName,
    /// What jobs scheduled of it are tagged with.
    pub tags: Tags,
    /// Most of its jobs that run at a time.
    pub max_running: Option<u32>,
    /// The highest job number given so far; that job may be purged.
    pub last_job: Option<JobId>,
}

/// What became of [`Store::edit_spider_tags`](super::Store::edit_spider_tags).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpiderEdited {
    /// These are its tags now.
    Done(Tags),
    /// The number was never given.
    Missing,
    /// It would have more than [`Tags::MAX`]; nothing was done.
    TooManyTags,
}
