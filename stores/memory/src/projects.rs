//! Projects with their settings, and their spiders.

use async_trait::async_trait;
use spiderq_core::{
    error::Result,
    model::{FieldSelection, Job, Metadata, ProjectId, SpiderId, SpiderName, State, TagChanges},
    store::{ProjectCounts, ProjectStore, SettingsChange, SpiderRecord, SpiderTagsUpdated},
};

use crate::{
    MemoryStore,
    jobs::with_room,
    lock,
    project::{Project, select},
};

#[async_trait]
impl ProjectStore for MemoryStore {
    async fn projects(&self, after: Option<ProjectId>, limit: usize) -> Result<Vec<ProjectId>> {
        let projects = lock(&self.projects);
        let existing = projects.iter().filter(|(_, project)| project.exists);
        let ids = existing.map(|(id, _)| *id).filter(|id| Some(*id) > after);
        Ok(ids.take(limit).collect())
    }

    async fn project_counts(&self, project: ProjectId) -> Result<ProjectCounts> {
        self.with(project, |project| {
            let count = |state| project.in_state(state).count() as u64;
            Ok(ProjectCounts {
                pending: count(State::Pending),
                running: count(State::Running),
                finished: count(State::Finished),
                running_units: project.running_units(),
            })
        })
    }

    async fn settings(&self, project: ProjectId) -> Result<Metadata> {
        Ok(self.with(project, |project| project.settings.clone()))
    }

    async fn named_settings(&self, project: ProjectId, names: &[&str]) -> Result<Metadata> {
        let mut settings = self.settings(project).await?;
        settings.retain(|name| names.contains(&name));
        Ok(settings)
    }

    async fn change_settings(&self, project: ProjectId, change: SettingsChange) -> Result<bool> {
        Ok(self.with(project, |project| {
            let changed = project.change_settings(change);
            if changed {
                project.notify();
            }
            changed
        }))
    }

    async fn spiders(
        &self,
        project: ProjectId,
        after: Option<SpiderId>,
        limit: usize,
    ) -> Result<Vec<SpiderRecord>> {
        Ok(self.with(project, |project| {
            let after = project.spiders.iter().filter(|spider| Some(spider.id) > after);
            after.take(limit).cloned().collect()
        }))
    }

    async fn spider_count(&self, project: ProjectId) -> Result<u64> {
        Ok(self.with(project, |project| project.spiders.len() as u64))
    }

    async fn spider_name(
        &self,
        project: ProjectId,
        spider: SpiderId,
    ) -> Result<Option<SpiderName>> {
        Ok(self.with(project, |project| Some(project.spider(spider)?.name.clone())))
    }

    async fn spider_id(
        &self,
        project: ProjectId,
        name: &SpiderName,
        create: bool,
    ) -> Result<Option<SpiderId>> {
        self.with(project, |project| {
            let known = project.find_spider(name).map(|spider| spider.id);
            Ok(if create { Some(project.spider_id(name)?) } else { known })
        })
    }

    async fn update_spider_tags(
        &self,
        project: ProjectId,
        spider: SpiderId,
        edit: &TagChanges,
    ) -> Result<SpiderTagsUpdated> {
        Ok(self.with(project, |project| {
            let Some(spider) = project.spider_mut(spider) else {
                return SpiderTagsUpdated::Missing;
            };
            let Ok(tags) = edit.apply(&spider.tags) else { return SpiderTagsUpdated::TooManyTags };
            spider.tags.clone_from(&tags);
            SpiderTagsUpdated::Done(tags)
        }))
    }

    async fn limit_spider(
        &self,
        project: ProjectId,
        spider: SpiderId,
        max_running: Option<u32>,
    ) -> Result<bool> {
        Ok(self.with(project, |project| {
            let Some(spider) = project.spider_mut(spider) else { return false };
            spider.max_running = max_running;
            project.notify();
            true
        }))
    }

    async fn last_finished(
        &self,
        project: ProjectId,
        spiders: &[SpiderId],
        fields: &FieldSelection,
    ) -> Result<Vec<Option<Job>>> {
        Ok(self.with(project, |project| {
            let last = |spider: &SpiderId| {
                let finished = project.in_state(State::Finished);
                let of_spider = finished.filter(|job| job.key.spider == *spider);
                of_spider.max_by_key(|job| job.position).map(|job| select(job, fields))
            };
            let memory = |job: &Option<Job>| job.as_ref().map_or(0, Job::memory);
            with_room(spiders.iter().map(last), memory)
        }))
    }
}

impl Project {
    fn change_settings(&mut self, change: SettingsChange) -> bool {
        let (sets, after) = (change.sets(), change.apply(self.settings.clone()));
        if sets && after.check_size().is_err() {
            return false;
        }
        (self.settings, self.exists) = (after, self.exists || sets);
        true
    }
}
