//! Projects: which exist, their jobs in numbers, their settings, their spiders.

use async_trait::async_trait;
use serde::Serialize;
use spiderq_core::{
    error::Result,
    limits::MAX_METADATA_BYTES,
    model::{
        FieldName, FieldSelection, Job, JsonText, Metadata, ProjectId, SpiderId, SpiderName, State,
        TagChanges,
    },
    store::{ProjectCounts, ProjectStore, SettingsChange, SpiderRecord, SpiderTagsUpdated},
};

use crate::{
    RedisStore,
    error::bad_reply,
    link::within,
    names::{PROJECTS, ProjectNames, RUNNING_UNITS, lanes},
    outcome::Step,
    record::{Flat, Pairs, Values},
    scripts, spiders,
};

#[async_trait]
impl ProjectStore for RedisStore {
    async fn projects(&self, after: Option<ProjectId>, limit: usize) -> Result<Vec<ProjectId>> {
        let after = format!("({}", after.map_or(0, ProjectId::get));
        let mut pipe = redis::pipe();
        let range = pipe.cmd("ZRANGEBYSCORE").arg(PROJECTS).arg(after).arg("+inf");
        range.arg("LIMIT").arg(0).arg(limit);
        let (numbers,): (Vec<String>,) = within(self.connection.pipe(&pipe)).await?;
        let numbers = numbers.iter();
        numbers.map(|number| ProjectId::parse(number).map_err(bad_reply)).collect()
    }

    async fn project_counts(&self, project: ProjectId) -> Result<ProjectCounts> {
        within(counts(self, project)).await
    }

    async fn settings(&self, project: ProjectId) -> Result<Metadata> {
        let mut pipe = redis::pipe();
        pipe.hgetall(ProjectNames(project).settings());
        let (settings,): (Pairs,) = within(self.connection.pipe(&pipe)).await?;
        let settings = settings.into_iter();
        Ok(settings.map(|(name, value)| setting(&name, value)).collect())
    }

    async fn named_settings(&self, project: ProjectId, names: &[&str]) -> Result<Metadata> {
        if names.is_empty() {
            return Ok(Metadata::default());
        }
        let mut pipe = redis::pipe();
        pipe.hmget(ProjectNames(project).settings(), names);
        let (values,): (Values,) = within(self.connection.pipe(&pipe)).await?;
        let pairs = names.iter().zip(values);
        Ok(pairs.filter_map(|(name, value)| Some(setting(name, value?))).collect())
    }

    async fn change_settings(&self, project: ProjectId, change: SettingsChange) -> Result<bool> {
        let (replace, remove, set) = match change {
            SettingsChange::Merge(set) => (false, Vec::new(), set),
            SettingsChange::Update { set, remove } => (false, remove, set),
            SettingsChange::Replace(set) => (true, Vec::new(), set),
            SettingsChange::Remove(names) if names.is_empty() => return Ok(true),
            SettingsChange::Remove(names) => {
                return within(delete(self, project, Some(names))).await;
            }
            SettingsChange::Clear => return within(delete(self, project, None)).await,
        };
        let merging = merge(self, project, replace, remove, set);
        within(self.projects.register_with(project, project.get(), merging)).await
    }

    async fn spiders(
        &self,
        project: ProjectId,
        after: Option<SpiderId>,
        limit: usize,
    ) -> Result<Vec<SpiderRecord>> {
        within(spiders::list(self, project, after, limit)).await
    }

    async fn spider_count(&self, project: ProjectId) -> Result<u64> {
        let mut pipe = redis::pipe();
        pipe.hlen(ProjectNames(project).spiders());
        let (count,): (u64,) = within(self.connection.pipe(&pipe)).await?;
        Ok(count)
    }

    async fn spider_name(
        &self,
        project: ProjectId,
        spider: SpiderId,
    ) -> Result<Option<SpiderName>> {
        within(spiders::name(self, project, spider)).await
    }

    async fn spider_id(
        &self,
        project: ProjectId,
        name: &SpiderName,
        create: bool,
    ) -> Result<Option<SpiderId>> {
        if !create {
            return within(spiders::id(self, project, name)).await;
        }
        let creating = spiders::create(self, project, name);
        let creating = self.projects.register_with(project, project.get(), creating);
        within(creating).await.map(Some)
    }

    async fn update_spider_tags(
        &self,
        project: ProjectId,
        spider: SpiderId,
        edit: &TagChanges,
    ) -> Result<SpiderTagsUpdated> {
        within(spiders::update_tags(self, project, spider, edit)).await
    }

    async fn limit_spider(
        &self,
        project: ProjectId,
        spider: SpiderId,
        max_running: Option<u32>,
    ) -> Result<bool> {
        within(spiders::limit(self, project, spider, max_running)).await
    }

    async fn last_finished(
        &self,
        project: ProjectId,
        spiders: &[SpiderId],
        fields: &FieldSelection,
    ) -> Result<Vec<Option<Job>>> {
        within(spiders::last_finished(self, project, spiders, fields)).await
    }
}

async fn counts(store: &RedisStore, project: ProjectId) -> Result<ProjectCounts> {
    let names = ProjectNames(project);
    let mut pipe = redis::pipe();
    pipe.hget(names.counters(), RUNNING_UNITS);
    let states = [State::Running, State::Finished, State::Pending];
    for lane in states.into_iter().flat_map(lanes) {
        pipe.zcard(names.set(&lane));
    }
    let numbers: Vec<Option<u64>> = store.connection.read(&pipe).await?;
    // What does not exist yet counts nothing.
    let numbers: Vec<u64> = numbers.into_iter().map(|number| number.unwrap_or(0)).collect();
    let [running_units, running, finished, pending @ ..] = &numbers[..] else {
        return Err(bad_reply("too few counts"));
    };
    Ok(ProjectCounts {
        running: *running,
        finished: *finished,
        running_units: *running_units,
        pending: pending.iter().sum(),
    })
}

fn setting(name: &str, value: String) -> (FieldName, JsonText) {
    (FieldName::known(name), JsonText::stored(value))
}

#[derive(Serialize)]
struct RemoveArg<'a> {
    settings: Option<Vec<&'a str>>,
}

async fn delete(
    store: &RedisStore,
    project: ProjectId,
    names: Option<Vec<FieldName>>,
) -> Result<bool> {
    let names = names.as_ref().map(|names| names.iter().map(FieldName::as_str).collect());
    let keys = ProjectNames(project).script(None);
    let script = &scripts::REMOVE_SETTINGS;
    let step: Step = store.connection.run(script, &keys, &RemoveArg { settings: names }).await?;
    Ok(step == Step::Applied)
}

#[derive(Serialize)]
struct MergeArg {
    replace: bool,
    remove: Flat,
    set: Flat,
    max_bytes: usize,
}

async fn merge(
    store: &RedisStore,
    project: ProjectId,
    replace: bool,
    remove: Vec<FieldName>,
    settings: Metadata,
) -> Result<bool> {
    let pairs = settings.into_iter();
    let pairs = pairs.flat_map(|(name, value)| [name.as_str().to_owned(), value.into_string()]);
    let remove = remove.iter().map(|name| name.as_str().to_owned()).collect();
    let argument =
        MergeArg { replace, remove, set: pairs.collect(), max_bytes: MAX_METADATA_BYTES };
    let keys = ProjectNames(project).script(None);
    let step: Step = store.connection.run(&scripts::MERGE_SETTINGS, &keys, &argument).await?;
    Ok(step == Step::Applied)
}
