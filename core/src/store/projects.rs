//! Projects with their settings, and their spiders.

use std::fmt;

use async_trait::async_trait;

use crate::{
    error::Result,
    model::{
        FieldName, FieldSelection, Job, JobId, Metadata, ProjectId, SpiderId, SpiderName,
        TagChanges, Tags,
    },
};

/// How many jobs a project has, all counted at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProjectCounts {
    /// Jobs in the state pending.
    pub pending: u64,
    /// Jobs in the state running.
    pub running: u64,
    /// Jobs in the state finished.
    pub finished: u64,
    /// Units of the running jobs in all.
    pub running_units: u64,
}

/// A change of a project's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingsChange {
    /// Sets these and keeps the others.
    Merge(Metadata),
    /// Removes these; those that are not set are ignored.
    Remove(Vec<FieldName>),
    /// Removes all settings.
    Clear,
    /// Removes some and sets others; no name is in both.
    Update {
        /// As in [`SettingsChange::Merge`].
        set: Metadata,
        /// As in [`SettingsChange::Remove`].
        remove: Vec<FieldName>,
    },
    /// Removes all settings but these, which it sets.
    Replace(Metadata),
}

impl SettingsChange {
    /// Whether it sets any setting, which makes the project exist and may be too much.
    #[must_use]
    pub const fn sets(&self) -> bool {
        match self {
            Self::Merge(_) | Self::Update { .. } | Self::Replace(_) => true,
            Self::Remove(_) | Self::Clear => false,
        }
    }

    /// The settings after the change.
    #[must_use]
    pub fn apply(self, mut before: Metadata) -> Metadata {
        let mut remove = |names: Vec<FieldName>| {
            before.retain(|name| names.iter().all(|gone| gone.as_str() != name));
        };
        match self {
            Self::Clear => return Metadata::default(),
            Self::Replace(all) => return all,
            Self::Remove(names) => remove(names),
            Self::Merge(set) => before.extend(set),
            Self::Update { set, remove: names } => {
                remove(names);
                before.extend(set);
            }
        }
        before
    }
}

/// What a store keeps of a spider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpiderRecord {
    /// Its number in the project.
    pub id: SpiderId,
    /// Never changes.
    pub name: SpiderName,
    /// Tags that its scheduled jobs get.
    pub tags: Tags,
    /// How many of its jobs may run at a time; `None`: no limit of its own.
    pub max_running: Option<u32>,
    /// Its latest job, which may be purged; `None` before the first.
    pub last_job: Option<JobId>,
}

/// What became of [`Store::update_spider_tags`](crate::store::ProjectStore::update_spider_tags).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpiderTagsUpdated {
    /// Its tags after the change.
    Done(Tags),
    /// No spider has this number.
    Missing,
    /// It would have more than [`MAX_TAGS`](crate::limits::MAX_TAGS); nothing was done.
    TooManyTags,
}

/// Keeps projects, settings and spiders.
#[async_trait]
pub trait ProjectStore: Send + Sync + fmt::Debug {
    /// Up to `limit` projects that exist, with numbers above `after`, by number.
    async fn projects(&self, after: Option<ProjectId>, limit: usize) -> Result<Vec<ProjectId>>;

    /// Its jobs by state; all zero for a project that does not exist.
    async fn project_counts(&self, project: ProjectId) -> Result<ProjectCounts>;

    /// All settings of a project.
    async fn settings(&self, project: ProjectId) -> Result<Metadata>;

    /// The settings of a project that are among `names`.
    async fn named_settings(&self, project: ProjectId, names: &[&str]) -> Result<Metadata>;

    /// Changes a project's settings in one atomic step. `false`, and nothing is done, when a
    /// change that sets some would make them more than [`MAX_METADATA_BYTES`](crate::limits::MAX_METADATA_BYTES)
    /// in all.
    async fn change_settings(&self, project: ProjectId, change: SettingsChange) -> Result<bool>;

    /// Up to `limit` (at most [`MAX_BATCH`](crate::limits::MAX_BATCH)) spiders with numbers above
    /// `after`, by number.
    async fn spiders(
        &self,
        project: ProjectId,
        after: Option<SpiderId>,
        limit: usize,
    ) -> Result<Vec<SpiderRecord>>;

    /// How many spiders a project has. Their numbers are 1 to this.
    async fn spider_count(&self, project: ProjectId) -> Result<u64>;

    /// The name of a spider; `None` when no spider has this number.
    async fn spider_name(&self, project: ProjectId, spider: SpiderId)
    -> Result<Option<SpiderName>>;

    /// The number of a spider. A new name gets a number if `create`, else `None`.
    async fn spider_id(
        &self,
        project: ProjectId,
        name: &SpiderName,
        create: bool,
    ) -> Result<Option<SpiderId>>;

    /// Changes the tags that a spider's scheduled jobs get, in one atomic step.
    async fn update_spider_tags(
        &self,
        project: ProjectId,
        spider: SpiderId,
        changes: &TagChanges,
    ) -> Result<SpiderTagsUpdated>;

    /// Sets how many jobs of a spider may run at a time; `None`: no limit. Jobs that run already
    /// go on. `false`, and nothing is done, when no spider has this number.
    async fn limit_spider(
        &self,
        project: ProjectId,
        spider: SpiderId,
        max_running: Option<u32>,
    ) -> Result<bool>;

    /// The job that finished last of each of `spiders` (at most
    /// [`MAX_BATCH`](crate::limits::MAX_BATCH)), in the same order; `None` where no job has
    /// finished. It ends early with the job that fills a [`PageRoom`](super::PageRoom).
    async fn last_finished(
        &self,
        project: ProjectId,
        spiders: &[SpiderId],
        fields: &FieldSelection,
    ) -> Result<Vec<Option<Job>>>;
}
