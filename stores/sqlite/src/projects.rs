//! Projects with their settings and spiders: what the store answers of them.

use async_trait::async_trait;
use rusqlite::{Connection, params};
use spiderq_core::{
    error,
    model::{
        FieldSelection, Job, Metadata, ProjectId, SpiderId, SpiderName, State, StateSet, TagChanges,
    },
    store::{ProjectCounts, ProjectStore, SettingsChange, SpiderRecord, SpiderTagsUpdated},
};

use crate::{
    SqliteStore,
    error::Result,
    job_counts::{Counted, kept},
    job_row::{self, first, int, project_id, spider_id, spider_name},
    jobs::read_with_room,
    project_step::{ProjectStep, running},
    settings, spiders,
};

#[async_trait]
impl ProjectStore for SqliteStore {
    async fn projects(
        &self,
        after: Option<ProjectId>,
        limit: usize,
    ) -> error::Result<Vec<ProjectId>> {
        self.readers.call(None, move |connection| list(connection, after, limit)).await
    }

    async fn project_counts(&self, project: ProjectId) -> error::Result<ProjectCounts> {
        self.readers.call(project, move |connection| counts(connection, project)).await
    }

    async fn settings(&self, project: ProjectId) -> error::Result<Metadata> {
        self.readers.call(project, move |connection| settings::all(connection, project)).await
    }

    async fn named_settings(&self, project: ProjectId, names: &[&str]) -> error::Result<Metadata> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        self.short_reads
            .call(project, move |connection| settings::named(connection, project, &names))
            .await
    }

    async fn change_settings(
        &self,
        project: ProjectId,
        change: SettingsChange,
    ) -> error::Result<bool> {
        let step = move |connection: &_| settings::change(connection, project, &change);
        self.write(project, step, |done| *done).await
    }

    async fn spiders(
        &self,
        project: ProjectId,
        after: Option<SpiderId>,
        limit: usize,
    ) -> error::Result<Vec<SpiderRecord>> {
        self.readers
            .call(project, move |connection| spiders::list(connection, project, after, limit))
            .await
    }

    async fn spider_count(&self, project: ProjectId) -> error::Result<u64> {
        self.readers.call(project, move |connection| spiders::count(connection, project)).await
    }

    async fn spider_name(
        &self,
        project: ProjectId,
        spider: SpiderId,
    ) -> error::Result<Option<SpiderName>> {
        self.short_reads
            .call(project, move |connection| find_name(connection, project, spider))
            .await
    }

    async fn spider_id(
        &self,
        project: ProjectId,
        name: &SpiderName,
        create: bool,
    ) -> error::Result<Option<SpiderId>> {
        let name = name.clone();
        if !create {
            let read = move |connection: &_| find_spider(connection, project, name.as_str());
            return self.short_reads.call(project, read).await;
        }
        let step = move |connection: &_| {
            let mut project = ProjectStep::load(connection, project)?;
            let spider = project.spider(&name)?;
            project.save()?;
            Ok(Some(spider))
        };
        self.writer.call(step).await
    }

    async fn update_spider_tags(
        &self,
        project: ProjectId,
        spider: SpiderId,
        changes: &TagChanges,
    ) -> error::Result<SpiderTagsUpdated> {
        let changes = changes.clone();
        let step =
            move |connection: &_| spiders::update_tags(connection, project, spider, &changes);
        self.writer.call(step).await
    }

    async fn limit_spider(
        &self,
        project: ProjectId,
        spider: SpiderId,
        max_running: Option<u32>,
    ) -> error::Result<bool> {
        let step = move |connection: &_| spiders::limit(connection, project, spider, max_running);
        self.write(project, step, |done| *done).await
    }

    async fn last_finished(
        &self,
        project: ProjectId,
        spiders: &[SpiderId],
        fields: &FieldSelection,
    ) -> error::Result<Vec<Option<Job>>> {
        let (spiders, fields) = (spiders.to_vec(), fields.clone());
        let read = move |connection: &_| {
            let last = |spider| spiders::last_finished(connection, project, spider, &fields);
            read_with_room(spiders.into_iter().map(last))
        };
        self.readers.call(project, read).await
    }
}

/// Projects with numbers above `after`.
fn list(connection: &Connection, after: Option<ProjectId>, limit: usize) -> Result<Vec<ProjectId>> {
    let sql = "SELECT project FROM projects WHERE project > ?1 ORDER BY project LIMIT ?2";
    let after = after.map_or(0, |project| int(project.get()));
    let mut statement = connection.prepare_cached(sql)?;
    let numbers = statement.query_map(params![after, job_row::limit(limit)], |row| row.get(0))?;
    numbers.map(|number| project_id(number?)).collect()
}

/// Jobs by state, and the units of those that run.
fn counts(connection: &Connection, project: ProjectId) -> Result<ProjectCounts> {
    let count = |state| kept(connection, project, &Counted::all(), StateSet::from_iter([state]));
    let (running, running_units) = running(connection, project)?;
    Ok(ProjectCounts {
        pending: count(State::Pending)?,
        running,
        finished: count(State::Finished)?,
        running_units,
    })
}

/// The number of a spider.
pub(crate) fn find_spider(
    connection: &Connection,
    project: ProjectId,
    name: &str,
) -> Result<Option<SpiderId>> {
    let sql = "SELECT spider FROM spiders WHERE project = ?1 AND name = ?2";
    let key = params![int(project.get()), name];
    let number = first(connection, sql, key, |row| row.get(0))?;
    number.map(spider_id).transpose()
}

/// The name of a spider.
fn find_name(
    connection: &Connection,
    project: ProjectId,
    spider: SpiderId,
) -> Result<Option<SpiderName>> {
    let sql = "SELECT name FROM spiders WHERE project = ?1 AND spider = ?2";
    let key = params![int(project.get()), int(spider.get())];
    let name: Option<String> = first(connection, sql, key, |row| row.get(0))?;
    name.as_deref().map(spider_name).transpose()
}
