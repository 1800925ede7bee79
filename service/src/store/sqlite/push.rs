//! Adding jobs: a step of the writer.

use rusqlite::{Connection, params};

use super::{
    project::Project,
    row::{StoredJob, first, int},
};
use crate::{
    error::Result,
    model::{Entry, Job, JobKey, Millis, ProjectId, State, UniqueKey},
    store::{NewJob, Pushed},
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
    let active = matches!(new.state, State::Pending | State::Running);
    let held = new.unique.filter(|_| active);
    let unique = held.map(|unique| unique.as_str().to_owned());
    let spider = project.spider(connection, &new.spider)?;
    let key = JobKey {
        project: project.id(),
        spider,
        job: project.next_job(connection, spider)?,
    };
    let position = project.next_position(now);
    let mut entries = [const { None }; 4];
    let entry = Some(Entry {
        position,
        actor: new.actor,
    });
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
    };
    stored.insert(connection)?;
    Ok(Pushed::Added(key))
}

fn is_held(connection: &Connection, project: ProjectId, unique: &UniqueKey) -> Result<bool> {
    let sql = "SELECT 1 FROM jobs WHERE project = ?1 AND unique_key = ?2";
    let key = params![int(project.get()), unique.as_str()];
    Ok(first(connection, sql, key, |_| Ok(()))?.is_some())
}
