//! What is due: each project has an index of its own, and one set names the projects that have
//! had something in theirs. A project is registered in that set beside the write, as in the set of
//! all projects (`registry.rs`); one that could not be is found by a sweep over all projects.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{StreamExt as _, stream};
use spiderq_core::{
    error::Result,
    model::{JobKey, Millis, ProjectId},
    store::{Effect, NewJob, ProjectStore as _},
};
use tokio::time::Instant;

use crate::{
    RedisStore,
    link::within,
    names::{DUE_PROJECTS, ProjectNames, job_key},
    outcome,
    scan::{Members, START},
    scripts,
};

/// How often all projects are swept.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);
/// Projects read in one step of a sweep.
const SWEEP_PAGE: usize = 1000;
/// How long a project without anything due stays in the set: much longer than a process counts
/// it as registered. On the steady clock of this process: that of Redis may be set forward.
const FORGET_AFTER: Duration = Duration::from_secs(10 * 60);
/// Projects looked at at a time.
const CONCURRENT_LOOKS: usize = 16;

/// Whether the job may become due after `effect`.
pub(crate) fn makes_due(effect: &Effect) -> bool {
    let start = effect.start.as_ref();
    effect.lease_expires.or(effect.stop_by).is_some()
        || start.is_some_and(|start| start.lease_expires.is_some())
}

/// Whether something is due of a new job.
pub(crate) fn begins_due(job: &NewJob) -> bool {
    let start = job.start.as_ref();
    start.is_some_and(|start| start.lease_expires.is_some())
}

/// Runs `write` and, where it makes something due, registers the project beside it.
pub(crate) fn with_due<T: Send>(
    store: &RedisStore,
    project: ProjectId,
    any_due: bool,
    now: Millis,
    write: impl Future<Output = Result<T>> + Send,
) -> impl Future<Output = Result<T>> + Send {
    // On the heap: each branch, here and in the layers above, would hold and move a copy.
    let write = Box::pin(write);
    async move {
        if any_due {
            return store.due_projects.register_with(project, now.0, write).await;
        }
        write.await
    }
}

/// Where the search for due jobs goes on, and when the next sweep is.
#[derive(Debug)]
pub(crate) struct DueScan(Mutex<State>);

#[derive(Debug)]
struct State {
    cursor: String,
    next_sweep: Instant,
    /// Projects of the set that were found to have nothing due.
    idle: HashMap<ProjectId, Idle>,
}

/// Since when a project has had nothing due.
#[derive(Debug)]
struct Idle {
    since: Instant,
    /// Of its registration then: with another score it was registered again.
    score: u64,
}

impl DueScan {
    pub(crate) fn new() -> Self {
        let next_sweep = Instant::now() + SWEEP_INTERVAL;
        let idle = HashMap::new();
        Self(Mutex::new(State { cursor: START.to_owned(), next_sweep, idle }))
    }

    fn sweep_is_due(&self) -> bool {
        let (mut state, now) = (self.state(), Instant::now());
        let is_due = state.next_sweep <= now;
        if is_due {
            state.next_sweep = now + SWEEP_INTERVAL;
            // What is still there after so long, another process has taken out of the set.
            state.idle.retain(|_, idle| now - idle.since < 2 * FORGET_AFTER);
        }
        is_due
    }

    /// Whether a project may leave the set: it has had nothing due for [`FORGET_AFTER`], and was
    /// not registered again meanwhile.
    fn is_to_forget(&self, (project, score): Registered, has_any: bool) -> bool {
        let (mut state, now) = (self.state(), Instant::now());
        if has_any {
            state.idle.remove(&project);
            return false;
        }
        let idle = state.idle.entry(project).or_insert(Idle { since: now, score });
        if idle.score != score {
            *idle = Idle { since: now, score };
        }
        let is_over = now - idle.since >= FORGET_AFTER;
        if is_over {
            state.idle.remove(&project);
        }
        is_over
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Due jobs of any projects. Goes on where the last call stopped, so that a few projects with much
/// to do do not hold up the others, and ends at the limit or after a whole walk from the start.
pub(crate) async fn due(store: &RedisStore, now: Millis, limit: usize) -> Result<Vec<JobKey>> {
    if store.due_scan.sweep_is_due() {
        sweep(store, now).await?;
    }
    let (mut keys, mut seen) = (Vec::new(), HashSet::new());
    let mut is_whole = false;
    while !is_whole && keys.len() < limit {
        let cursor = store.due_scan.state().cursor.clone();
        is_whole = cursor == START;
        let set = Members::of_set(&store.connection, DUE_PROJECTS.to_owned());
        let mut walk = set.from(cursor);
        while keys.len() < limit
            && let Some(page) = walk.next().await?
        {
            for key in of_page(store, page, now, limit - keys.len()).await? {
                // A walk may come to a project twice.
                if seen.insert(key) {
                    keys.push(key);
                }
            }
            walk.cursor().clone_into(&mut store.due_scan.state().cursor);
        }
    }
    Ok(keys)
}

/// A project in the set, and when it was registered, ms since the epoch.
type Registered = (ProjectId, u64);

/// Due jobs of the projects of a page of the set, at most `limit`.
async fn of_page(
    store: &RedisStore,
    page: Vec<(String, String)>,
    now: Millis,
    limit: usize,
) -> Result<Vec<JobKey>> {
    let mut projects = Vec::new();
    for (member, score) in page {
        match registered(&member, &score) {
            Some(registered) => projects.push(registered),
            None => forget_member(store, &member, &score).await?,
        }
    }
    // Other processes may look at the same page: each begins with any project of it. Without
    // randomness all begin with the same one, and there is no harm.
    let first = getrandom::u32().unwrap_or(0) as usize % projects.len().max(1);
    projects.rotate_left(first);
    of_projects(store, projects, now, limit).await
}

async fn of_projects(
    store: &RedisStore,
    projects: Vec<Registered>,
    now: Millis,
    limit: usize,
) -> Result<Vec<JobKey>> {
    let looks = stream::iter(projects).map(|registered| async move {
        (registered, within(of_project(store, registered.0, now, limit)).await)
    });
    let mut looks = looks.buffer_unordered(CONCURRENT_LOOKS);
    let mut keys = Vec::new();
    while keys.len() < limit
        && let Some((registered, found)) = looks.next().await
    {
        match found {
            Ok((found, any)) => {
                if store.due_scan.is_to_forget(registered, any) {
                    forget(store, registered).await?;
                }
                keys.extend(found);
            }
            // In a Cluster, this project's master may be down while others answer.
            Err(error) => {
                tracing::debug!(%error, project = %registered.0, "can't read what is due");
            }
        }
    }
    keys.truncate(limit);
    Ok(keys)
}

fn registered(member: &str, score: &str) -> Option<Registered> {
    Some((ProjectId::parse(member).ok()?, score.parse().ok()?))
}

/// Takes out of the set what is no project, or has no time: a sweep registers it again, if it
/// is one. It must not keep the others from being looked at.
async fn forget_member(store: &RedisStore, member: &str, score: &str) -> Result<()> {
    tracing::error!(member, score, "bad entry among the projects with something due");
    let mut pipe = redis::pipe();
    pipe.zrem(DUE_PROJECTS, member).ignore();
    within(store.connection.pipe(&pipe)).await
}

/// What is due of a project, and whether there is anything in its index.
async fn of_project(
    store: &RedisStore,
    project: ProjectId,
    now: Millis,
    limit: usize,
) -> Result<(Vec<JobKey>, bool)> {
    let index = ProjectNames(project).due();
    let mut pipe = redis::pipe();
    pipe.cmd("ZRANGEBYSCORE").arg(&index).arg("-inf").arg(now.0).arg("LIMIT").arg(0).arg(limit);
    pipe.zcard(&index);
    let (members, entries): (Vec<String>, u64) = store.connection.pipe(&pipe).await?;
    let mut keys = Vec::new();
    for member in members {
        match job_key(project, &member) {
            Ok(key) => keys.push(key),
            // No job has such a name: nothing can be due of it.
            Err(error) => {
                tracing::error!(%error, %project, member, "bad entry among what is due");
                let mut pipe = redis::pipe();
                pipe.zrem(&index, member).ignore();
                store.connection.pipe::<()>(&pipe).await?;
            }
        }
    }
    Ok((keys, entries > 0))
}

async fn forget(store: &RedisStore, (project, score): Registered) -> Result<()> {
    let (project, score) = (project.to_string(), score.to_string());
    let arguments = [project.as_bytes(), score.as_bytes()];
    let script = &scripts::FORGET_DUE_PROJECT;
    // Registered again meanwhile, it stays.
    let _: outcome::Step =
        within(store.connection.run_plain(script, DUE_PROJECTS, &arguments)).await?;
    Ok(())
}

/// Registers the projects that have something due and could not be registered beside the write.
async fn sweep(store: &RedisStore, now: Millis) -> Result<()> {
    let mut after = None;
    loop {
        let page = store.projects(after, SWEEP_PAGE).await?;
        let Some(last) = page.last().copied() else {
            return Ok(());
        };
        after = Some(last);
        let looks = stream::iter(page).map(|project| async move {
            let found = within(of_project(store, project, now, 1)).await;
            matches!(found, Ok((_, true))).then_some(project)
        });
        let found: Vec<_> = looks.buffer_unordered(CONCURRENT_LOOKS).collect().await;
        let mut pipe = redis::pipe();
        for project in found.into_iter().flatten() {
            pipe.zadd(DUE_PROJECTS, project.get(), now.0).ignore();
        }
        if !pipe.is_empty() {
            within(store.connection.pipe::<()>(&pipe)).await?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_project_is_forgotten_after_ten_idle_minutes_under_one_registration() {
        let scan = DueScan::new();
        let project = ProjectId::new(7).unwrap();
        let look = async |minutes: u64, score, has_any| {
            tokio::time::advance(Duration::from_secs(60 * minutes)).await;
            scan.is_to_forget((project, score), has_any)
        };
        // However old the registration is by the clock of Redis.
        assert!(!look(0, 0, false).await);
        assert!(!look(9, 0, false).await);
        assert!(!look(1, 0, true).await, "it has something due");
        assert!(!look(0, 0, false).await);
        assert!(!look(9, 1, false).await, "it was registered again");
        assert!(!look(9, 1, false).await);
        assert!(look(1, 1, false).await);
        assert!(scan.state().idle.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn what_other_processes_forgot_is_not_kept() {
        let scan = DueScan::new();
        assert!(!scan.is_to_forget((ProjectId::new(7).unwrap(), 0), false));
        tokio::time::advance(2 * FORGET_AFTER).await;
        assert!(scan.sweep_is_due());
        assert!(scan.state().idle.is_empty());
    }
}
