//! Projects: which exist, their jobs in numbers, their settings.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::Serialize;
use tokio::time::{Instant, timeout};

use super::{
    RedisStore,
    connection::{Connection, within},
    errors::bad_reply,
    keys::{Keys, PROJECTS, RUNNING_UNITS},
    record::Flat,
    scripts,
};
use spiderq_core::{
    error::Result,
    model::{FieldName, JsonText, Metadata, ProjectId},
    store::{ProjectCounts, SettingsChange},
};

/// How long a project that was told counts as known; a Redis that lost its data learns of
/// it again after that.
const KNOWN: Duration = Duration::from_secs(60);
/// How long after a telling that failed a write tries again.
const AGAIN: Duration = Duration::from_secs(5);
/// How long a write waits for the telling beside it. In a Cluster the set may be on a node that
/// is away while the project's own is not.
const PATIENCE: Duration = Duration::from_millis(250);
/// Most projects remembered; beyond that they are told anew.
const MOST: usize = 100_000;

/// Tells a set of the installation of projects, beside their writes.
#[derive(Clone)]
pub(super) struct Registry {
    connection: Connection,
    key: &'static str,
    /// When a project is to be told again.
    due: Arc<Mutex<HashMap<ProjectId, Instant>>>,
}

impl Registry {
    pub(super) fn new(connection: Connection, key: &'static str) -> Self {
        let due = Arc::default();
        Self { connection, key, due }
    }

    /// Runs `write`, which may be the project's first of its kind, and tells of the project,
    /// with this score, if that is due.
    pub(super) async fn beside<T>(
        &self,
        project: ProjectId,
        score: u64,
        write: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        if !self.take(project) {
            return write.await;
        }
        let telling = tokio::spawn(self.clone().tell(project, score));
        let done = write.await;
        // What it came to is no part of the write.
        let _ = timeout(PATIENCE, telling).await;
        done
    }

    async fn tell(self, project: ProjectId, score: u64) {
        let mut pipe = redis::pipe();
        pipe.zadd(self.key, project.get(), score).ignore();
        match within(self.connection.pipe::<()>(&pipe)).await {
            Ok(()) => self.put(project, KNOWN),
            Err(error) => {
                tracing::debug!(%error, %project, set = self.key, "the project is not told of yet")
            }
        }
    }

    /// Whether telling is due; then the caller does it.
    fn take(&self, project: ProjectId) -> bool {
        let due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if due.get(&project).is_some_and(|at| *at > now) {
            return false;
        }
        drop(due);
        self.put(project, AGAIN);
        true
    }

    fn put(&self, project: ProjectId, after: Duration) {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        if due.len() >= MOST {
            due.clear();
        }
        due.insert(project, Instant::now() + after);
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Registry(…)")
    }
}

/// [`Store::projects`](spiderq_core::store::Store::projects).
pub(super) async fn list(
    store: &RedisStore,
    after: Option<ProjectId>,
    limit: usize,
) -> Result<Vec<ProjectId>> {
    let mut pipe = redis::pipe();
    pipe.cmd("ZRANGEBYSCORE")
        .arg(PROJECTS)
        .arg(format!("({}", after.map_or(0, ProjectId::get)))
        .arg("+inf")
        .arg("LIMIT")
        .arg(0)
        .arg(limit);
    let (numbers,): (Vec<String>,) = store.connection.pipe(&pipe).await?;
    let numbers = numbers.iter();
    numbers.map(|number| ProjectId::parse(number).map_err(bad_reply)).collect()
}

/// [`Store::project_counts`](spiderq_core::store::Store::project_counts).
pub(super) async fn counts(store: &RedisStore, project: ProjectId) -> Result<ProjectCounts> {
    let keys = Keys(project);
    let mut pipe = redis::pipe();
    pipe.atomic();
    pipe.zcard(keys.running());
    pipe.zcard(keys.finished());
    pipe.hget(keys.counters(), RUNNING_UNITS);
    for queue in keys.queues() {
        pipe.zcard(queue);
    }
    let numbers: Vec<Option<u64>> = store.connection.pipe(&pipe).await?;
    let mut numbers = numbers.into_iter().map(Option::unwrap_or_default);
    let mut next = || numbers.next().unwrap_or_default();
    Ok(ProjectCounts {
        running: next(),
        finished: next(),
        running_units: next(),
        pending: numbers.sum(),
    })
}

/// [`Store::settings`](spiderq_core::store::Store::settings).
pub(super) async fn settings(store: &RedisStore, project: ProjectId) -> Result<Metadata> {
    let mut pipe = redis::pipe();
    pipe.hgetall(Keys(project).settings());
    let (settings,): (Vec<(String, String)>,) = store.connection.pipe(&pipe).await?;
    let setting = |(name, value): (String, _)| (FieldName::known(&name), JsonText::stored(value));
    Ok(settings.into_iter().map(setting).collect())
}

/// [`Store::named_settings`](spiderq_core::store::Store::named_settings).
pub(super) async fn named_settings(
    store: &RedisStore,
    project: ProjectId,
    names: &[&str],
) -> Result<Metadata> {
    if names.is_empty() {
        return Ok(Metadata::default());
    }
    let mut pipe = redis::pipe();
    pipe.hmget(Keys(project).settings(), names);
    let (values,): (Vec<Option<String>>,) = store.connection.pipe(&pipe).await?;
    let pairs = names.iter().zip(values);
    let set = pairs.filter_map(|(name, value)| Some((name, value?)));
    Ok(set.map(|(name, value)| (FieldName::known(name), JsonText::stored(value))).collect())
}

#[derive(Serialize)]
struct ForgetArg {
    names: Option<Vec<String>>,
}

#[derive(Serialize)]
struct SettingsArg {
    set: Flat,
    max_bytes: usize,
}

/// [`Store::change_settings`](spiderq_core::store::Store::change_settings).
pub(super) async fn change_settings(
    store: &RedisStore,
    project: ProjectId,
    change: SettingsChange,
) -> Result<bool> {
    let names = match change {
        SettingsChange::Merge(settings) => {
            return store
                .projects
                .beside(project, project.get(), merge(store, project, settings))
                .await;
        }
        SettingsChange::Remove(names) if names.is_empty() => return Ok(true),
        SettingsChange::Remove(names) => {
            Some(names.iter().map(|name| name.as_str().to_owned()).collect())
        }
        SettingsChange::Clear => None,
    };
    let script = &scripts::FORGET_SETTINGS;
    let keys = Keys(project).script(None);
    store.connection.run::<()>(script, &keys, &ForgetArg { names }).await?;
    Ok(true)
}

async fn merge(store: &RedisStore, project: ProjectId, settings: Metadata) -> Result<bool> {
    let pairs = settings.into_iter();
    let argument = SettingsArg {
        set: pairs
            .flat_map(|(name, value)| [name.as_str().to_owned(), value.into_string()])
            .collect(),
        max_bytes: spiderq_core::limits::MAX_METADATA_BYTES,
    };
    let keys = Keys(project).script(None);
    let script = &scripts::SETTINGS;
    store.connection.run(script, &keys, &argument).await
}
