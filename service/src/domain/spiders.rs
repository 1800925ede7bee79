//! Spiders of a project: listing and reading them, the tags that their scheduled jobs get, and
//! how many jobs of one may run (`docs/contract.md`, 3, others; 4, ids).

use super::{Domain, execution_fields::show_reports};
use crate::auth::Caller;
use spiderq_core::{
    Reservation,
    error::{Error, ResourceKind, Result},
    limits::{MAX_BATCH, MAX_TAGS},
    model::{FieldSelection, Job, JobKey, ProjectId, Role, SpiderId, SpiderName, TagChanges, Tags},
    store::{SpiderRecord, SpiderTagsUpdated},
};

/// A spider as callers see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spider {
    /// Its number in the project.
    pub id: SpiderId,
    /// Never changes.
    pub name: SpiderName,
    /// Tags that its scheduled jobs get.
    pub tags: Tags,
    /// How many of its jobs may run at a time; `None`: no limit of its own.
    pub max_running: Option<u32>,
    /// Text of `version` of its latest job.
    pub version: Option<String>,
    /// Text of the project's setting `name`, or else its number.
    pub project_name: String,
}

/// What to change of a spider; `None`: stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpiderUpdate {
    /// Tags that its scheduled jobs get.
    pub tags: Option<TagChanges>,
    /// How many of its jobs may run at a time; `Some(None)`: no limit of its own.
    pub max_running: Option<Option<u32>>,
}

/// How a call names a spider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpiderRef {
    /// By its name.
    Name(SpiderName),
    /// By its number.
    Number(SpiderId),
}

impl Domain {
    /// Up to `limit` spiders with numbers above `after`, by number, in this memory.
    pub async fn list_spiders(
        &self,
        caller: &Caller,
        project: ProjectId,
        mut after: Option<SpiderId>,
        limit: usize,
        memory: &mut Reservation,
    ) -> Result<Vec<Spider>> {
        caller.may(Role::Read, project)?;
        let mut spiders = Vec::new();
        while spiders.len() < limit {
            let size = MAX_BATCH.min(limit - spiders.len());
            let page = self.store.spiders(project, after, size).await?;
            let Some(last) = page.last() else {
                break;
            };
            after = Some(last.id);
            spiders.extend(self.with_versions(project, page, memory).await?);
        }
        Ok(spiders)
    }

    /// How many spiders a project has. Their numbers are 1 to this.
    pub async fn count_spiders(&self, caller: &Caller, project: ProjectId) -> Result<u64> {
        caller.may(Role::Read, project)?;
        self.store.spider_count(project).await
    }

    /// One spider; [`Error::NotFound`] when there is none. With `create`, a name gets a number.
    pub async fn get_spider(
        &self,
        caller: &Caller,
        project: ProjectId,
        spider: SpiderRef,
        create: bool,
    ) -> Result<Spider> {
        caller.may(if create { Role::User } else { Role::Read }, project)?;
        if create && matches!(spider, SpiderRef::Number(_)) {
            return Err(Error::invalid("create", "goes with a name, not with a number"));
        }
        let record = match self.spider_number(project, &spider, create).await? {
            Some(number) => self.spider_record(project, number).await?,
            None => None,
        };
        let record = record.ok_or_else(|| no_spider(project, &spider))?;
        let mut memory = self.memory_of(caller);
        let mut found = self.with_versions(project, vec![record], &mut memory).await?;
        found.pop().ok_or_else(|| Error::bug("a spider lost its record"))
    }

    /// Changes a spider, its tags first; returns the spider as it is then.
    pub async fn update_spider(
        &self,
        caller: &Caller,
        project: ProjectId,
        spider: SpiderRef,
        update: SpiderUpdate,
    ) -> Result<Spider> {
        caller.may(Role::User, project)?;
        let SpiderUpdate { tags, max_running } = update;
        if tags.is_none() && max_running.is_none() {
            return Err(Error::invalid("update_mask", "is required, or tag_changes"));
        }
        let number = self.spider_number(project, &spider, false).await?;
        let number = number.ok_or_else(|| no_spider(project, &spider))?;
        if let Some(changes) = tags {
            self.change_spider_tags(project, &spider, number, &changes).await?;
        }
        if let Some(most) = max_running
            && !self.store.limit_spider(project, number, most).await?
        {
            return Err(no_spider(project, &spider));
        }
        self.get_spider(caller, project, spider, false).await
    }

    async fn change_spider_tags(
        &self,
        project: ProjectId,
        spider: &SpiderRef,
        number: SpiderId,
        changes: &TagChanges,
    ) -> Result<()> {
        if changes.is_empty() {
            return Err(Error::invalid("add", "is required, or remove").at("tag_changes.add"));
        }
        match self.store.update_spider_tags(project, number, changes).await? {
            SpiderTagsUpdated::Done(_) => Ok(()),
            SpiderTagsUpdated::Missing => Err(no_spider(project, spider)),
            SpiderTagsUpdated::TooManyTags => {
                let accepted = format!("a spider may have at most {MAX_TAGS} tags");
                Err(Error::invalid("add", accepted).at("tag_changes.add"))
            }
        }
    }

    /// The number that the caller gave, or that of the name: with `create` a new one.
    pub(super) async fn spider_number(
        &self,
        project: ProjectId,
        spider: &SpiderRef,
        create: bool,
    ) -> Result<Option<SpiderId>> {
        match spider {
            SpiderRef::Number(number) => Ok(Some(*number)),
            SpiderRef::Name(name) => self.store.spider_id(project, name, create).await,
        }
    }

    async fn spider_record(
        &self,
        project: ProjectId,
        number: SpiderId,
    ) -> Result<Option<SpiderRecord>> {
        let before = i64::try_from(number.get() - 1).map_or(None, |n| SpiderId::new(n).ok());
        let page = self.store.spiders(project, before, 1).await?;
        Ok(page.into_iter().find(|record| record.id == number))
    }

    /// At most [`MAX_BATCH`] spiders with the versions of their latest jobs.
    async fn with_versions(
        &self,
        project: ProjectId,
        records: Vec<SpiderRecord>,
        memory: &mut Reservation,
    ) -> Result<Vec<Spider>> {
        let latest = |record: &SpiderRecord| {
            let spider = record.id;
            record.last_job.map(|job| JobKey { project, spider, job })
        };
        let latest: Vec<JobKey> = records.iter().filter_map(latest).collect();
        let mut jobs = Vec::with_capacity(latest.len());
        while jobs.len() < latest.len() {
            let more = self.store.get_first(&latest[jobs.len()..], &FieldSelection::Row).await?;
            if more.is_empty() {
                return Err(Error::bug("a store read no job of some"));
            }
            // Versions may be long, and so may the name of the project.
            memory.grow_in_time(more.iter().flatten().map(Job::memory).sum()).await?;
            jobs.extend(more);
        }
        let mut jobs = jobs.into_iter().flatten().peekable();
        let project_name = self.project_name(project).await?;
        memory.grow_in_time(project_name.len() * records.len()).await?;
        let spiders =
            records.into_iter().map(|SpiderRecord { id, name, tags, max_running, .. }| {
                // Spiders without a job, or whose latest was purged, are missing among the jobs.
                let latest = jobs.next_if(|job| job.key.spider == id);
                let version = latest.and_then(|mut job| {
                    show_reports(&mut job.metadata);
                    job.metadata.get("version")?.as_text()
                });
                let project_name = project_name.clone();
                Spider { id, name, tags, max_running, version, project_name }
            });
        Ok(spiders.collect())
    }
}

pub(super) fn no_spider(project: ProjectId, spider: &SpiderRef) -> Error {
    let (message, name) = match spider {
        SpiderRef::Name(name) => {
            (format!("project {project} has no spider {name}"), format!("{project}/{name}"))
        }
        SpiderRef::Number(number) => {
            let key = format!("{project}/{number}");
            (format!("there is no spider {key}"), key)
        }
    };
    Error::NotFound { message, kind: ResourceKind::Spider, name }
}

#[cfg(test)]
mod tests;
