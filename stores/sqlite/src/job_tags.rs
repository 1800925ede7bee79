//! The rows of `job_tags`: one for each tag of a job, at the position of its state.

use rusqlite::{Connection, params};
use spiderq_core::model::{Job, Tag};

use crate::{
    error::Result,
    job_row::{int, state_index},
};

/// Adds a row for each of the tags, of a job whose row has this number.
pub(crate) fn insert<'t>(
    connection: &Connection,
    id: i64,
    job: &Job,
    tags: impl Iterator<Item = &'t Tag>,
) -> Result<()> {
    let (project, spider) = (int(job.key.project.get()), int(job.key.spider.get()));
    let (state, position) = (state_index(job.state), int(job.position.0));
    for tag in tags {
        let sql = "INSERT INTO job_tags (project, tag, state, position, spider, id) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let row = params![project, tag.as_str(), state, position, spider, id];
        connection.prepare_cached(sql)?.execute(row)?;
    }
    Ok(())
}

/// Removes the row of each of the tags.
pub(crate) fn delete<'t>(
    connection: &Connection,
    [project, state, position]: [i64; 3],
    tags: impl Iterator<Item = &'t Tag>,
) -> Result<()> {
    for tag in tags {
        let sql = "DELETE FROM job_tags \
                   WHERE project = ?1 AND tag = ?2 AND state = ?3 AND position = ?4";
        let key = params![project, tag.as_str(), state, position];
        connection.prepare_cached(sql)?.execute(key)?;
    }
    Ok(())
}

/// Of a job that has moved, or has other tags than before: removes what is gone, and adds what is
/// new.
pub(crate) fn update(connection: &Connection, id: i64, before: &Job, after: &Job) -> Result<()> {
    let place =
        |job: &Job| [int(job.key.project.get()), state_index(job.state), int(job.position.0)];
    if place(before) != place(after) {
        delete(connection, place(before), before.tags.iter())?;
        return insert(connection, id, after, after.tags.iter());
    }
    let gone = before.tags.iter().filter(|tag| !after.tags.contains(tag));
    delete(connection, place(before), gone)?;
    let new = after.tags.iter().filter(|tag| !before.tags.contains(tag));
    insert(connection, id, after, new)
}
