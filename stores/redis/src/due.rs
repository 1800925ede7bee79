//! What is due: each project has an index of its own, and one set names the projects that have
//! had something in theirs. That set is told beside the write, as the projects are
//! (`project.rs`); whoever could not tell it is found by a look at all projects now and then.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures::{StreamExt as _, stream};
use serde::Serialize;
use tokio::time::Instant;

use super::{
    RedisStore,
    errors::bad_reply,
    keys::{DUE, Keys, member},
    project,
    reply::job_key,
    scripts,
};
use spiderq_core::{
    error::Result,
    model::{JobKey, Millis, ProjectId},
    store::{Effect, NewJob},
};

/// How often all projects are looked at.
const SWEEP: Duration = Duration::from_secs(60);
/// How long a project without anything due stays in the set, ms: much longer than it takes
/// to tell of it again.
const QUIET_MS: u64 = 10 * 60 * 1000;
/// Projects looked at at a time.
const AT_ONCE: usize = 16;
/// Projects read in one step.
const PAGE: usize = 1000;

/// Whether something may be due of the job after `effect`.
pub(super) fn makes_due(effect: &Effect) -> bool {
    let start = effect.start.as_ref();
    effect.lease_expires.or(effect.stop_by).is_some()
        || start.is_some_and(|start| start.lease_expires.is_some())
}

/// Whether something is due of a new job.
pub(super) fn begins_leased(job: &NewJob) -> bool {
    let start = job.start.as_ref();
    start.is_some_and(|start| start.lease_expires.is_some())
}

/// When all projects are to be looked at again.
#[derive(Debug)]
pub(super) struct Sweep(Mutex<Instant>);

impl Sweep {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Instant::now() + SWEEP))
    }

    fn is_due(&self) -> bool {
        let mut next = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let due = *next <= now;
        if due {
            *next = now + SWEEP;
        }
        due
    }
}

/// [`Store::due`](spiderq_core::store::Store::due).
pub(super) async fn due(store: &RedisStore, now: Millis, limit: usize) -> Result<Vec<JobKey>> {
    if store.sweep.is_due() {
        sweep(store, now).await?;
    }
    let mut projects = told(store).await?;
    // From another one each time: one project with much to do must not hold up the others.
    let first = getrandom::u32().unwrap_or_default() as usize;
    let len = projects.len().max(1);
    projects.rotate_left(first % len);
    let looks = stream::iter(projects).map(|(project, told)| async move {
        let found = of_project(store, project, now, limit).await;
        (project, told, found)
    });
    let mut looks = looks.buffer_unordered(AT_ONCE);
    let mut keys = Vec::new();
    while let Some((project, told, found)) = looks.next().await {
        let (found, any) = match found {
            Ok(found) => found,
            // In a Cluster others may answer.
            Err(error) => {
                tracing::debug!(%error, %project, "what is due could not be read");
                continue;
            }
        };
        if !any && told.1.saturating_add(QUIET_MS) < now.0 {
            forget(store, project, &told.0).await?;
        }
        keys.extend(found);
        if keys.len() >= limit {
            keys.truncate(limit);
            break;
        }
    }
    Ok(keys)
}

/// When a project was told: as Redis writes it, and ms since the epoch.
type CheckProgress = (String, u64);

async fn told(store: &RedisStore) -> Result<Vec<(ProjectId, CheckProgress)>> {
    let mut pipe = redis::pipe();
    pipe.cmd("ZRANGE").arg(DUE).arg(0).arg(-1).arg("WITHSCORES");
    let (scores,): (Vec<(String, f64)>,) = store.connection.pipe(&pipe).await?;
    let project = |(number, score): (String, f64)| {
        let text = score.to_string();
        let ms = text.parse().unwrap_or_default();
        Ok((ProjectId::parse(&number).map_err(bad_reply)?, (text, ms)))
    };
    scores.into_iter().map(project).collect()
}

/// What is due of a project, and whether there is anything in its index.
async fn of_project(
    store: &RedisStore,
    project: ProjectId,
    now: Millis,
    limit: usize,
) -> Result<(Vec<JobKey>, bool)> {
    let mut pipe = redis::pipe();
    pipe.cmd("ZRANGEBYSCORE")
        .arg(Keys(project).due())
        .arg("-inf")
        .arg(now.0)
        .arg("LIMIT")
        .arg(0)
        .arg(limit);
    pipe.zcard(Keys(project).due());
    let (members, entries): (Vec<String>, u64) = store.connection.pipe(&pipe).await?;
    let mut keys = Vec::new();
    for member in members {
        match job_key(project, &member) {
            Ok(key) => keys.push(key),
            // No job has such a name: nothing can be due of it.
            Err(error) => {
                tracing::error!(%error, %project, member, "a bad entry among what is due");
                let mut pipe = redis::pipe();
                pipe.zrem(Keys(project).due(), member).ignore();
                store.connection.pipe::<()>(&pipe).await?;
            }
        }
    }
    Ok((keys, entries > 0))
}

async fn forget(store: &RedisStore, project: ProjectId, told: &str) -> Result<()> {
    let number = project.to_string();
    let arguments = [number.as_bytes(), told.as_bytes()];
    store.connection.run_plain(&scripts::QUIET, DUE, arguments).await
}

/// Tells of projects of which nobody could.
async fn sweep(store: &RedisStore, now: Millis) -> Result<()> {
    let mut after = None;
    loop {
        let page = project::list(store, after, PAGE).await?;
        let Some(last) = page.last().copied() else {
            return Ok(());
        };
        after = Some(last);
        let looks = stream::iter(page).map(|project| async move {
            let found = of_project(store, project, now, 1).await;
            matches!(found, Ok((_, true))).then_some(project)
        });
        let found: Vec<_> = looks.buffer_unordered(AT_ONCE).collect().await;
        let mut pipe = redis::pipe();
        for project in found.into_iter().flatten() {
            pipe.zadd(DUE, project.get(), now.0).ignore();
        }
        if !pipe.is_empty() {
            store.connection.pipe::<()>(&pipe).await?;
        }
    }
}

#[derive(Serialize)]
struct PostponeArg {
    member: String,
    until_ms: u64,
}

/// [`Store::postpone`](spiderq_core::store::Store::postpone).
pub(super) async fn postpone(store: &RedisStore, key: JobKey, until: Millis) -> Result<()> {
    let argument = PostponeArg { member: member(key), until_ms: until.0 };
    let keys = Keys(key.project).script(None);
    let script = &scripts::POSTPONE;
    store.connection.run(script, &keys, &argument).await
}
