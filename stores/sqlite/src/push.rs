//! Adding jobs: a step of the writer.

use crate::error::Result;
use rusqlite::{Connection, params};

use super::{
    due,
    project::{Project, find_spider},
    row::{StoredJob, first, int},
};
use spiderq_core::{
    model::{Job, JobKey, Millis, ProjectId, State, StateEntry, UniqueKey},
    store::{NewJob, Pushed, RunningLimit},
};

/// Adds `jobs` in order.
pub(super) fn push(
    connection: &Connection,
    project: ProjectId,
    jobs: Vec<NewJob>,
    now: Millis,
) -> Result<Vec<Pushed>> {
    let mut project = Project::load(connection, project)?;
    let pushed = jobs
        .into_iter()
        .map(|job| push_one(connection, &mut project, job, now))
        .collect::<Result<_>>()?;
    project.save(connection)?;
    Ok(pushed)
}

fn push_one(
    connection: &Connection,
    project: &mut Project,
    new: NewJob,
    now: Millis,
) -> Result<Pushed> {
    if let Some(unique) = &new.unique
        && is_held(connection, project.id(), unique)?
    {
        return Ok(Pushed::Duplicate);
    }
    if let Some(limit) = limit(connection, project, &new)? {
        return Ok(Pushed::AtLimit(limit));
    }
    let active = matches!(new.state, State::Pending | State::Running);
    let held = new.unique.filter(|_| active);
    let unique = held.map(|unique| unique.as_str().to_owned());
    let spider = project.spider(connection, &new.spider)?;
    let key = JobKey { project: project.id(), spider, job: project.next_job(connection, spider)? };
    let position = project.next_position(now);
    let mut entries = [const { None }; 4];
    let entry = Some(StateEntry { position, actor: new.actor });
    if new.scheduled {
        entries[State::Pending.index()].clone_from(&entry);
    }
    entries[new.state.index()] = entry;
    let mut stored = StoredJob {
        id: 0,
        job: Job {
            key,
            spider: new.spider,
            state: new.state,
            position,
            priority: new.priority,
            units: new.units,
            tags: new.tags,
            entries,
            updated: now,
            attempt: u32::from(new.start.is_some()),
            lease_expires: new.start.as_ref().and_then(|start| start.lease_expires),
            counters: new.counters,
            metadata: new.metadata,
        },
        fence: new.start.map(|start| start.fence),
        unique,
        front: false,
        stop_by: None,
        due: None,
        bytes: 0,
    };
    stored.bytes = stored.job.metadata.bytes() as u64;
    stored.due = due::by_itself(&stored);
    stored.insert(connection)?;
    project.count(None, Some(&stored));
    project.record(connection, None, &stored.job)?;
    Ok(Pushed::Added(key))
}

/// What does not allow the job to begin running, if it is to.
fn limit(
    connection: &Connection,
    project: &mut Project,
    new: &NewJob,
) -> Result<Option<RunningLimit>> {
    if new.state != State::Running {
        return Ok(None);
    }
    let limits = project.limits(connection)?;
    let spider = find_spider(connection, project.id(), &new.spider)?;
    limits.exceeded_by_one(connection, spider, new.units)
}

fn is_held(connection: &Connection, project: ProjectId, unique: &UniqueKey) -> Result<bool> {
    let sql = "SELECT 1 FROM jobs WHERE project = ?1 AND unique_key = ?2";
    let key = params![int(project.get()), unique.as_str()];
    Ok(first(connection, sql, key, |_| Ok(()))?.is_some())
}
