//! The Redis store: sorted sets, hashes and Lua scripts. `keys.rs` opens with the table of
//! keys. A call is one or two trips over one multiplexed connection, and ends at the deadline
//! of `connection.rs`; only counts that look at jobs make more, each with that deadline.

mod change;
mod check;
mod cluster;
mod combine;
mod connection;
mod credentials;
mod due;
mod durability;
mod encode;
mod errors;
mod events;
mod keys;
mod link;
mod list;
mod project;
mod prune;
mod pulses;
mod push;
mod read;
mod record;
mod reply;
mod request;
mod scripts;
mod sentinel;
mod server;
mod sets;
mod slots;
mod spider;
mod url;

use async_trait::async_trait;

use self::{
    combine::Combiner,
    connection::{Connection, within},
    due::Sweep,
    keys::{DUE, PROJECTS},
    project::Registry,
    pulses::Hub,
};
use spiderq_core::{
    error::Result,
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

pub use self::url::RedisUrl;

/// A store on Redis, in whichever topology.
#[derive(Debug)]
pub struct RedisStore {
    connection: Connection,
    combiner: Combiner,
    /// Projects that exist.
    projects: Registry,
    /// Projects that have something due.
    dues: Registry,
    sweep: Sweep,
    hub: Hub,
}

impl RedisStore {
    /// Connects.
    pub async fn connect(url: &RedisUrl) -> Result<Self> {
        let connection = Connection::open(url).await?;
        Ok(Self {
            combiner: Combiner::new(connection.clone()),
            projects: Registry::new(connection.clone(), PROJECTS),
            dues: Registry::new(connection.clone(), DUE),
            sweep: Sweep::new(),
            hub: Hub::new(connection.clone()),
            connection,
        })
    }

    /// Runs `write` and, where it makes something due, tells of the project.
    async fn beside_due<T>(
        &self,
        project: ProjectId,
        any: bool,
        now: Millis,
        write: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        if any {
            return self.dues.beside(project, now.0, write).await;
        }
        write.await
    }
}

#[async_trait]
impl JobStore for RedisStore {
    async fn get(&self, keys: &[JobKey], fields: &FieldSelection) -> Result<Vec<Option<Job>>> {
        within(read::get(self, keys, fields)).await
    }

    async fn page(
        &self,
        project: ProjectId,
        filter: &Filter,
        limit: usize,
        fields: &FieldSelection,
    ) -> Result<Page> {
        within(list::page(self, project, filter, limit, fields)).await
    }

    async fn count(&self, project: ProjectId, filter: &Filter) -> Result<u64> {
        list::count(self, project, filter).await
    }

    async fn change(
        &self,
        project: ProjectId,
        changes: Vec<Change>,
        all_or_nothing: bool,
        now: Millis,
        request: Option<&RequestDigest>,
    ) -> Result<Vec<Changed>> {
        let effects = changes.iter().flat_map(|change| &change.effects);
        let any = effects.into_iter().any(due::makes_due);
        let done = change::change(self, project, &changes, all_or_nothing, now, request);
        within(self.beside_due(project, any, now, done)).await
    }

    async fn purge(&self, key: JobKey) -> Result<Purged> {
        within(change::purge(self, key)).await
    }
}

#[async_trait]
impl QueueStore for RedisStore {
    async fn push(
        &self,
        project: ProjectId,
        jobs: Vec<NewJob>,
        now: Millis,
        request: Option<&RequestDigest>,
    ) -> Result<Vec<Pushed>> {
        if jobs.is_empty() && request.is_none() {
            return Ok(Vec::new());
        }
        let leased = jobs.iter().any(due::begins_leased);
        let pushing = async {
            if request.is_none() {
                return self.combiner.push(project, jobs, now).await;
            }
            let jobs: Vec<&NewJob> = jobs.iter().collect();
            push::push(&self.connection, project, &jobs, now, request).await
        };
        let pushing = self.beside_due(project, leased, now, pushing);
        within(self.projects.beside(project, project.get(), pushing)).await
    }

    async fn claim(
        &self,
        project: ProjectId,
        wanted: &ClaimFilter,
        effect: &Effect,
        now: Millis,
        request: Option<&RequestDigest>,
    ) -> Result<Option<Claimed>> {
        let claiming = change::claim(self, project, wanted, effect, now, request);
        within(self.beside_due(project, due::makes_due(effect), now, claiming)).await
    }

    async fn oldest_pending(&self, project: ProjectId, limit: usize) -> Result<Vec<JobKey>> {
        within(list::oldest_pending(self, project, limit)).await
    }

    async fn subscribe(&self, project: ProjectId) -> Result<Notifications> {
        within(self.hub.subscribe(project)).await
    }

    async fn events(&self, project: ProjectId, after: Option<u64>, limit: usize) -> Result<Events> {
        within(events::events(self, project, after, limit)).await
    }
}

#[async_trait]
impl ProjectStore for RedisStore {
    async fn projects(&self, after: Option<ProjectId>, limit: usize) -> Result<Vec<ProjectId>> {
        within(project::list(self, after, limit)).await
    }

    async fn project_counts(&self, project: ProjectId) -> Result<ProjectCounts> {
        within(project::counts(self, project)).await
    }

    async fn settings(&self, project: ProjectId) -> Result<Metadata> {
        within(project::settings(self, project)).await
    }

    async fn named_settings(&self, project: ProjectId, names: &[&str]) -> Result<Metadata> {
        within(project::named_settings(self, project, names)).await
    }

    async fn change_settings(&self, project: ProjectId, change: SettingsChange) -> Result<bool> {
        within(project::change_settings(self, project, change)).await
    }

    async fn spiders(
        &self,
        project: ProjectId,
        after: Option<SpiderId>,
        limit: usize,
    ) -> Result<Vec<SpiderRecord>> {
        within(spider::list(self, project, after, limit)).await
    }

    async fn spider_name(
        &self,
        project: ProjectId,
        spider: SpiderId,
    ) -> Result<Option<SpiderName>> {
        within(spider::name(self, project, spider)).await
    }

    async fn spider_id(
        &self,
        project: ProjectId,
        name: &SpiderName,
        create: bool,
    ) -> Result<Option<SpiderId>> {
        let id = spider::id(self, project, name, create);
        if create {
            return within(self.projects.beside(project, project.get(), id)).await;
        }
        within(id).await
    }

    async fn update_spider_tags(
        &self,
        project: ProjectId,
        spider: SpiderId,
        edit: &TagChanges,
    ) -> Result<SpiderTagsUpdated> {
        within(spider::edit_tags(self, project, spider, edit)).await
    }

    async fn limit_spider(
        &self,
        project: ProjectId,
        spider: SpiderId,
        max_running: Option<u32>,
    ) -> Result<bool> {
        within(spider::limit(self, project, spider, max_running)).await
    }

    async fn last_finished(
        &self,
        project: ProjectId,
        spiders: &[SpiderId],
        fields: &FieldSelection,
    ) -> Result<Vec<Option<Job>>> {
        within(spider::last_finished(self, project, spiders, fields)).await
    }
}

#[async_trait]
impl ApiKeyStore for RedisStore {
    async fn put_api_key(&self, digest: &ApiKeyDigest, key: ApiKeyRecord) -> Result<()> {
        within(credentials::put(self, digest, key)).await
    }

    async fn put_first_api_key(&self, digest: &ApiKeyDigest, key: ApiKeyRecord) -> Result<bool> {
        within(credentials::put_first(self, digest, key)).await
    }

    async fn get_api_key(&self, digest: &ApiKeyDigest) -> Result<Option<ApiKeyRecord>> {
        within(credentials::find(self, digest)).await
    }

    async fn list_api_keys(&self) -> Result<Vec<ApiKeyRecord>> {
        within(credentials::list(self)).await
    }

    async fn remove_api_key(&self, id: &str) -> Result<bool> {
        within(credentials::remove(self, id)).await
    }

    async fn installation_secret(&self, candidate: [u8; 32]) -> Result<[u8; 32]> {
        within(credentials::installation_secret(self, candidate)).await
    }
}

#[async_trait]
impl UpkeepStore for RedisStore {
    async fn due(&self, now: Millis, limit: usize) -> Result<Vec<JobKey>> {
        due::due(self, now, limit).await
    }

    async fn postpone(&self, key: JobKey, until: Millis) -> Result<()> {
        within(due::postpone(self, key, until)).await
    }

    async fn prune(
        &self,
        project: ProjectId,
        state: State,
        keep: &Retention,
        limit: usize,
    ) -> Result<usize> {
        within(prune::prune(self, project, state, keep, limit)).await
    }

    async fn clock(&self) -> Result<Option<Millis>> {
        within(self.connection.clock()).await.map(Some)
    }

    async fn ping(&self) -> Result<()> {
        let mut pipe = redis::pipe();
        pipe.cmd("PING").ignore();
        within(self.connection.pipe(&pipe)).await
    }

    async fn durability(&self) -> Result<Durability> {
        within(durability::durability(self)).await
    }

    async fn check(
        &self,
        scope: &CheckScope,
        repair: bool,
        tell: &mut (dyn FnMut(CheckProgress) + Send),
    ) -> Result<CheckSummary> {
        check::check(self, scope, repair, tell).await
    }
}
