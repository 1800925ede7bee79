//! The embedded store: one file, one process. Every write goes to the one writer thread and
//! is on the disk before it is answered; reads run beside it, each on a snapshot.
//!
//! This file only hands each verb of the trait to where it is done.

mod change;
mod check;
mod claim;
mod count;
mod due;
mod error;
mod events;
mod file;
mod keys;
mod limits;
mod metadata;
mod page;
mod project;
mod prune;
mod pulse;
mod push;
mod queue;
mod readers;
mod requests;
mod row;
mod settings;
mod spider;
mod store;
#[cfg(test)]
mod tests;
mod writer;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde_json::json;

use self::{
    events::Reading, file::StoreFile, project::Project, pulse::PulseSenders, readers::Readers,
    row::StoredJob, writer::Writer,
};
use spiderq_core::{
    error::{Error, Result},
    model::{
        ClaimFilter, FieldSelection, Filter, Job, JobKey, Metadata, Millis, ProjectId, SpiderId,
        SpiderName, State, TagChanges,
    },
    store::{
        ApiKeyDigest, ApiKeyRecord, ApiKeyStore, Change, Changed, CheckProgress, CheckScope,
        CheckSummary, Claimed, Durability, Effect, Events, JobStore, NewJob, Notifications, Page,
        ProjectCounts, ProjectStore, Purged, Pushed, QueueStore, RequestDigest, Retention,
        SettingsChange, SpiderRecord, SpiderTagsUpdated, UpkeepStore,
    },
};

/// How long a call may take, waiting included.
const DEADLINE: Duration = Duration::from_secs(5);

/// The embedded store. Dropping it ends the writer after all that was asked of it.
#[derive(Debug)]
pub struct SqliteStore {
    // In the order in which they go: the writer folds the log into the file last, the lock
    // goes after all.
    readers: Readers,
    writer: Writer,
    pulses: Arc<PulseSenders>,
    reading: Reading,
    file: StoreFile,
}

#[async_trait]
impl JobStore for SqliteStore {
    async fn get(&self, keys: &[JobKey], fields: &FieldSelection) -> Result<Vec<Option<Job>>> {
        let (keys, fields) = (keys.to_vec(), fields.clone());
        let read = move |connection: &_| {
            let job = |key| StoredJob::by_key(connection, key, &fields);
            let jobs = keys.into_iter().map(job);
            jobs.map(|found| Ok(found?.map(|stored| stored.job))).collect()
        };
        self.readers.call(read).await
    }

    async fn page(
        &self,
        project: ProjectId,
        filter: &Filter,
        limit: usize,
        fields: &FieldSelection,
    ) -> Result<Page> {
        let (filter, fields) = (filter.clone(), fields.clone());
        let read = move |connection: &_| page::page(connection, project, &filter, limit, &fields);
        self.readers.call(read).await
    }

    async fn count(&self, project: ProjectId, filter: &Filter) -> Result<u64> {
        let filter = filter.clone();
        let read = move |connection: &_| count::count(connection, project, &filter);
        self.readers.call(read).await
    }

    async fn change(
        &self,
        project: ProjectId,
        changes: Vec<Change>,
        all_or_nothing: bool,
        now: Millis,
        request: Option<&RequestDigest>,
    ) -> Result<Vec<Changed>> {
        let request = request.cloned();
        let mut effects = changes.iter().flat_map(|change| &change.effects);
        let stirs = effects.any(pulse::stirs);
        let step = move |connection: &_| {
            if let Some(reply) = requests::recall(connection, project, request.as_ref(), now)? {
                return requests::decode_changed(&reply);
            }
            let changed = change::change(connection, project, &changes, all_or_nothing, now)?;
            let reply = || requests::encode_changed(&changed);
            requests::keep(connection, project, request.as_ref(), now, reply)?;
            Ok(changed)
        };
        let applied = |one: &Changed| matches!(one, Changed::Applied { .. });
        let did = move |changed: &Vec<_>| stirs && changed.iter().any(applied);
        self.write(project, step, did).await
    }

    async fn purge(&self, key: JobKey) -> Result<Purged> {
        let step = move |connection: &_| change::purge(connection, key);
        let did = |purged: &_| *purged == Purged::Done;
        self.write(key.project, step, did).await
    }
}

#[async_trait]
impl QueueStore for SqliteStore {
    async fn push(
        &self,
        project: ProjectId,
        jobs: Vec<NewJob>,
        now: Millis,
        request: Option<&RequestDigest>,
    ) -> Result<Vec<Pushed>> {
        let request = request.cloned();
        let step = move |connection: &_| {
            if let Some(reply) = requests::recall(connection, project, request.as_ref(), now)? {
                return requests::decode_pushed(project, &reply);
            }
            let pushed = push::push(connection, project, jobs, now)?;
            let reply = || requests::encode_pushed(&pushed);
            requests::keep(connection, project, request.as_ref(), now, reply)?;
            Ok(pushed)
        };
        let added = |one: &Pushed| matches!(one, Pushed::Added(_));
        let did = move |pushed: &Vec<_>| pushed.iter().any(added);
        self.write(project, step, did).await
    }

    async fn claim(
        &self,
        project: ProjectId,
        wanted: &ClaimFilter,
        effect: &Effect,
        now: Millis,
        request: Option<&RequestDigest>,
    ) -> Result<Option<Claimed>> {
        let (wanted, effect, request) = (wanted.clone(), effect.clone(), request.cloned());
        let step = move |connection: &_| {
            if let Some(reply) = requests::recall(connection, project, request.as_ref(), now)? {
                let key = requests::decode_key(project, &reply)?;
                let fence = reply[2].as_str().unwrap_or_default();
                return claim::claimed_before(connection, key, fence);
            }
            let claimed = claim::claim(connection, project, &wanted, &effect, now)?;
            if let Some(Claimed { job, fence }) = &claimed {
                let (spider, number) = (job.key.spider.get(), job.key.job.get());
                let reply = || json!([spider, number, fence.expose()]);
                requests::keep(connection, project, request.as_ref(), now, reply)?;
            }
            Ok(claimed)
        };
        self.write(project, step, Option::is_some).await
    }

    async fn oldest_pending(&self, project: ProjectId, limit: usize) -> Result<Vec<JobKey>> {
        let read = move |connection: &_| claim::oldest_pending(connection, project, limit);
        self.readers.call(read).await
    }

    async fn subscribe(&self, project: ProjectId) -> Result<Notifications> {
        Ok(self.pulses.listen(project))
    }

    async fn events(&self, project: ProjectId, after: Option<u64>, limit: usize) -> Result<Events> {
        self.reading.read(project);
        let read = move |connection: &_| events::read(connection, project, after, limit);
        if let Some(events) = self.readers.call(read).await? {
            return Ok(events);
        }
        let step = move |connection: &_| {
            events::begin(connection, project)?;
            events::read(connection, project, after, limit)
        };
        let events = self.writer.call(step).await?;
        events.ok_or_else(|| Error::bug("a log that does not begin"))
    }
}

#[async_trait]
impl ProjectStore for SqliteStore {
    async fn projects(&self, after: Option<ProjectId>, limit: usize) -> Result<Vec<ProjectId>> {
        let read = move |connection: &_| project::list(connection, after, limit);
        self.readers.call(read).await
    }

    async fn project_counts(&self, project: ProjectId) -> Result<ProjectCounts> {
        let read = move |connection: &_| project::counts(connection, project);
        self.readers.call(read).await
    }

    async fn settings(&self, project: ProjectId) -> Result<Metadata> {
        let read = move |connection: &_| settings::all(connection, project);
        self.readers.call(read).await
    }

    async fn named_settings(&self, project: ProjectId, names: &[&str]) -> Result<Metadata> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let read = move |connection: &_| settings::named(connection, project, &names);
        self.readers.call(read).await
    }

    async fn change_settings(&self, project: ProjectId, change: SettingsChange) -> Result<bool> {
        let step = move |connection: &_| settings::change(connection, project, &change);
        self.write(project, step, |done| *done).await
    }

    async fn spiders(
        &self,
        project: ProjectId,
        after: Option<SpiderId>,
        limit: usize,
    ) -> Result<Vec<SpiderRecord>> {
        let read = move |connection: &_| spider::list(connection, project, after, limit);
        self.readers.call(read).await
    }

    async fn spider_name(
        &self,
        project: ProjectId,
        spider: SpiderId,
    ) -> Result<Option<SpiderName>> {
        let read = move |connection: &_| project::find_name(connection, project, spider);
        self.readers.call(read).await
    }

    async fn spider_id(
        &self,
        project: ProjectId,
        name: &SpiderName,
        create: bool,
    ) -> Result<Option<SpiderId>> {
        let name = name.clone();
        if !create {
            let read = move |connection: &_| project::find_spider(connection, project, &name);
            return self.readers.call(read).await;
        }
        let step = move |connection: &_| {
            let mut project = Project::load(connection, project)?;
            let spider = project.spider(connection, &name)?;
            project.save(connection)?;
            Ok(Some(spider))
        };
        self.writer.call(step).await
    }

    async fn update_spider_tags(
        &self,
        project: ProjectId,
        spider: SpiderId,
        edit: &TagChanges,
    ) -> Result<SpiderTagsUpdated> {
        let edit = edit.clone();
        let step = move |connection: &_| spider::edit_tags(connection, project, spider, &edit);
        self.writer.call(step).await
    }

    async fn limit_spider(
        &self,
        project: ProjectId,
        spider: SpiderId,
        max_running: Option<u32>,
    ) -> Result<bool> {
        let step = move |connection: &_| spider::limit(connection, project, spider, max_running);
        self.write(project, step, |done| *done).await
    }

    async fn last_finished(
        &self,
        project: ProjectId,
        spiders: &[SpiderId],
        fields: &FieldSelection,
    ) -> Result<Vec<Option<Job>>> {
        let (spiders, fields) = (spiders.to_vec(), fields.clone());
        let read = move |connection: &_| {
            let last = |spider| spider::last_finished(connection, project, spider, &fields);
            spiders.into_iter().map(last).collect()
        };
        self.readers.call(read).await
    }
}

#[async_trait]
impl ApiKeyStore for SqliteStore {
    async fn put_api_key(&self, digest: &ApiKeyDigest, key: ApiKeyRecord) -> Result<()> {
        let digest = digest.clone();
        let step = move |connection: &_| keys::put(connection, &digest, &key);
        self.writer.call(step).await
    }

    async fn put_first_api_key(&self, digest: &ApiKeyDigest, key: ApiKeyRecord) -> Result<bool> {
        let digest = digest.clone();
        let step = move |connection: &_| keys::put_first(connection, &digest, &key);
        self.writer.call(step).await
    }

    async fn get_api_key(&self, digest: &ApiKeyDigest) -> Result<Option<ApiKeyRecord>> {
        let digest = digest.clone();
        let read = move |connection: &_| keys::find(connection, &digest);
        self.readers.call(read).await
    }

    async fn list_api_keys(&self) -> Result<Vec<ApiKeyRecord>> {
        self.readers.call(keys::list).await
    }

    async fn remove_api_key(&self, id: &str) -> Result<bool> {
        let id = id.to_owned();
        let step = move |connection: &_| keys::remove(connection, &id);
        self.writer.call(step).await
    }

    async fn installation_secret(&self, candidate: [u8; 32]) -> Result<[u8; 32]> {
        let step = move |connection: &_| keys::installation_secret(connection, candidate);
        self.writer.call(step).await
    }
}

#[async_trait]
impl UpkeepStore for SqliteStore {
    async fn due(&self, now: Millis, limit: usize) -> Result<Vec<JobKey>> {
        let read = move |connection: &_| due::due(connection, now, limit);
        self.readers.call(read).await
    }

    async fn postpone(&self, key: JobKey, until: Millis) -> Result<()> {
        let step = move |connection: &_| due::postpone(connection, key, until);
        self.writer.call(step).await
    }

    async fn prune(
        &self,
        project: ProjectId,
        state: State,
        keep: &Retention,
        limit: usize,
    ) -> Result<usize> {
        let keep = *keep;
        let step = move |connection: &_| prune::prune(connection, project, state, &keep, limit);
        self.writer.call(step).await
    }

    async fn clock(&self) -> Result<Option<Millis>> {
        Ok(None)
    }

    async fn ping(&self) -> Result<()> {
        self.writer.call(|_| Ok(())).await
    }

    async fn durability(&self) -> Result<Durability> {
        Ok(Durability {
            safe: true,
            report: "sqlite: WAL, synchronous=FULL; an answered write is on the disk".to_owned(),
        })
    }

    async fn check(
        &self,
        scope: &CheckScope,
        repair: bool,
        tell: &mut (dyn FnMut(CheckProgress) + Send),
    ) -> Result<CheckSummary> {
        check::check(&self.file, scope, repair, tell).await
    }
}
