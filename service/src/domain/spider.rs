//! Spiders of a project: their list, one of them, and the tags that its scheduled jobs get
//! (CONTRACT 3, others; 4, ids).

use super::{Domain, most_rows};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    model::{FieldSelection, JobKey, ProjectId, Role, SpiderId, SpiderName, TagChanges, Tags},
    store::{MAX_BATCH, SpiderRecord, SpiderTagsUpdated},
};

/// A spider as callers see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spider {
    /// Its number.
    pub id: SpiderId,
    /// Its name.
    pub name: SpiderName,
    /// What jobs scheduled of it are tagged with.
    pub tags: Tags,
    /// Most of its jobs that run at a time; `None`: as many as there are.
    pub max_running: Option<u32>,
    /// Text of `version` of its latest job.
    pub version: Option<String>,
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
    /// Up to `most` (1 to 1,000; 0: 1,000) spiders with numbers above `after`, by number.
    pub async fn spiders(
        &self,
        caller: &Caller,
        project: ProjectId,
        mut after: Option<SpiderId>,
        most: u32,
    ) -> Result<Vec<Spider>> {
        caller.may(Role::Read, project)?;
        let most = most_rows("count", most)?;
        let mut spiders = Vec::new();
        while spiders.len() < most {
            let limit = MAX_BATCH.min(most - spiders.len());
            let page = self.store.spiders(project, after, limit).await?;
            let Some(last) = page.last() else {
                break;
            };
            after = Some(last.id);
            spiders.extend(self.with_versions(project, page).await?);
        }
        Ok(spiders)
    }

    /// One spider; [`Error::NotFound`] when there is none. With `create`, a name gets a number.
    pub async fn spider(
        &self,
        caller: &Caller,
        project: ProjectId,
        spider: SpiderRef,
        create: bool,
    ) -> Result<Spider> {
        let least = if create { Role::User } else { Role::Read };
        caller.may(least, project)?;
        let number = match &spider {
            SpiderRef::Number(_) if create => {
                return Err(Error::invalid("create", "goes with a name, not with a number"));
            }
            SpiderRef::Number(number) => Some(*number),
            SpiderRef::Name(name) => self.store.spider_id(project, name, create).await?,
        };
        let record = match number {
            Some(number) => self.record(project, number).await?,
            None => None,
        };
        let record = record.ok_or_else(|| missing(project, &spider))?;
        let mut found = self.with_versions(project, vec![record]).await?;
        found.pop().ok_or_else(|| Error::bug("no spider left"))
    }

    /// Changes the tags that jobs scheduled of a spider get; the spider then.
    pub async fn update_spider_tags(
        &self,
        caller: &Caller,
        project: ProjectId,
        number: SpiderId,
        edit: &TagChanges,
    ) -> Result<Spider> {
        caller.may(Role::User, project)?;
        if edit.is_empty() {
            return Err(Error::invalid("add", "is required, or remove"));
        }
        let spider = SpiderRef::Number(number);
        match self.store.update_spider_tags(project, number, edit).await? {
            SpiderTagsUpdated::Done(_) => self.spider(caller, project, spider, false).await,
            SpiderTagsUpdated::Missing => Err(missing(project, &spider)),
            SpiderTagsUpdated::TooManyTags => {
                Err(Error::invalid("add", "a spider may have at most 64 tags"))
            }
        }
    }

    /// Sets how many jobs of a spider may run at a time, or with `None` that there is no limit;
    /// the spider then.
    pub async fn limit_spider(
        &self,
        caller: &Caller,
        project: ProjectId,
        number: SpiderId,
        max_running: Option<u32>,
    ) -> Result<Spider> {
        caller.may(Role::User, project)?;
        let spider = SpiderRef::Number(number);
        let found = self.store.limit_spider(project, number, max_running);
        if !found.await? {
            return Err(missing(project, &spider));
        }
        self.spider(caller, project, spider, false).await
    }

    /// The spider with this number.
    pub(super) async fn record(
        &self,
        project: ProjectId,
        number: SpiderId,
    ) -> Result<Option<SpiderRecord>> {
        let before = i64::try_from(number.get() - 1).map_or(None, |n| SpiderId::new(n).ok());
        let found = self.store.spiders(project, before, 1).await?;
        Ok(found.into_iter().find(|record| record.id == number))
    }

    /// At most [`MAX_BATCH`] spiders with the versions of their latest jobs.
    async fn with_versions(
        &self,
        project: ProjectId,
        records: Vec<SpiderRecord>,
    ) -> Result<Vec<Spider>> {
        let latest = records.iter().filter_map(|record| {
            let spider = record.id;
            record.last_job.map(|job| JobKey { project, spider, job })
        });
        let latest: Vec<JobKey> = latest.collect();
        let jobs = self.store.get(&latest, &FieldSelection::Row).await?;
        let mut jobs = jobs.into_iter().flatten().peekable();
        let spiders = records.into_iter().map(|record| {
            let latest = jobs.next_if(|job| job.key.spider == record.id);
            let version = latest.and_then(|job| job.metadata.get("version")?.as_text());
            Spider {
                id: record.id,
                name: record.name,
                tags: record.tags,
                max_running: record.max_running,
                version,
            }
        });
        Ok(spiders.collect())
    }
}

fn missing(project: ProjectId, spider: &SpiderRef) -> Error {
    Error::NotFound(match spider {
        SpiderRef::Name(name) => format!("project {project} has no spider {name}"),
        SpiderRef::Number(number) => format!("there is no spider {project}/{number}"),
    })
}
