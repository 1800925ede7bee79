//! Projects with their settings, and their spiders.

use std::fmt;

use async_trait::async_trait;

use crate::{
    error::Result,
    model::{
        FieldName, FieldSelection, Job, JobId, Metadata, ProjectId, SpiderId, SpiderName, TagEdit,
        Tags,
    },
};

/// Jobs of a project in numbers, all of one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProjectCounts {
    /// Pending jobs.
    pub pending: u64,
    /// Running jobs.
    pub running: u64,
    /// Finished jobs.
    pub finished: u64,
    /// Units of the running jobs in all.
    pub running_units: u64,
}

/// A change of a project's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingsChange {
    /// Sets these and leaves the others.
    Merge(Metadata),
    /// Removes these; those not there are ignored.
    Remove(Vec<FieldName>),
    /// Removes all.
    Clear,
}

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

/// Keeps projects, settings and spiders.
#[async_trait]
pub trait ProjectStore: Send + Sync + fmt::Debug {
    /// Up to `limit` projects that exist, with numbers above `after`, by number.
    async fn projects(&self, after: Option<ProjectId>, limit: usize) -> Result<Vec<ProjectId>>;

    /// A project in numbers; all zero where it does not exist.
    async fn project_counts(&self, project: ProjectId) -> Result<ProjectCounts>;

    /// All settings of a project.
    async fn settings(&self, project: ProjectId) -> Result<Metadata>;

    /// Those settings of a project that are among `names`.
    async fn named_settings(&self, project: ProjectId, names: &[&str]) -> Result<Metadata>;

    /// Changes a project's settings in one atomic step. `false`, and nothing is done, when a
    /// merge would make them more than [`Metadata::MAX_BYTES`] in all.
    async fn change_settings(&self, project: ProjectId, change: SettingsChange) -> Result<bool>;

    /// Up to `limit` (at most [`MAX_BATCH`]) spiders with numbers above `after`, by number.
    async fn spiders(
        &self,
        project: ProjectId,
        after: Option<SpiderId>,
        limit: usize,
    ) -> Result<Vec<SpiderRecord>>;

    /// The name of a spider; `None` when the number was never given.
    async fn spider_name(&self, project: ProjectId, spider: SpiderId)
    -> Result<Option<SpiderName>>;

    /// The number of a spider; when it has none, a new one if `create`.
    async fn spider_id(
        &self,
        project: ProjectId,
        name: &SpiderName,
        create: bool,
    ) -> Result<Option<SpiderId>>;

    /// Changes the tags that jobs scheduled of a spider get; in one atomic step.
    async fn edit_spider_tags(
        &self,
        project: ProjectId,
        spider: SpiderId,
        edit: &TagEdit,
    ) -> Result<SpiderEdited>;

    /// Sets how many jobs of a spider may run at a time; `None`: as many as there are. Jobs
    /// that run stay. `false`, and nothing is done, when the number was never given.
    async fn limit_spider(
        &self,
        project: ProjectId,
        spider: SpiderId,
        max_running: Option<u32>,
    ) -> Result<bool>;

    /// Of each of `spiders` (at most [`MAX_BATCH`]) the finished job that finished last, in the
    /// same order; `None` where there is none.
    async fn last_finished(
        &self,
        project: ProjectId,
        spiders: &[SpiderId],
        fields: &FieldSelection,
    ) -> Result<Vec<Option<Job>>>;
}
