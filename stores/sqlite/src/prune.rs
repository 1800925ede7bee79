//! Removing what is too old or too much: a step of the writer. Reads no record as a whole, so
//! that one that cannot be read is in nobody's way.

use crate::error::Result;
use rusqlite::{Connection, Row, params};

use super::{
    project::Project,
    row::{self, decode_tags, int, state_index},
};
use spiderq_core::{
    model::{ProjectId, State},
    store::{MAX_BATCH, Retention},
};

/// What of a job is needed to remove it.
struct Old {
    id: i64,
    position: i64,
    bytes: i64,
    tags: String,
}

/// Removes up to `limit` jobs of a state, the oldest first, while there are too many.
pub(super) fn prune(
    connection: &Connection,
    project: ProjectId,
    state: State,
    keep: &Retention,
    limit: usize,
) -> Result<usize> {
    let mut loaded = Project::load(connection, project)?;
    let sql = "SELECT id, position, bytes, tags FROM jobs INDEXED BY jobs_by_state \
               WHERE project = ?1 AND state = ?2 ORDER BY position LIMIT ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let limit = row::limit(limit.min(MAX_BATCH));
    let key = params![int(project.get()), state_index(state), limit];
    let oldest = statement.query_map(key, read)?;
    let oldest: Vec<Old> = oldest.collect::<rusqlite::Result<_>>()?;
    let mut gone = 0;
    for old in oldest {
        let left = loaded.done(state);
        let too_old = keep.from.is_some_and(|from| old.position < int(from.0));
        let too_many = keep.jobs.is_some_and(|most| left.jobs > number(most));
        let too_much = keep.bytes.is_some_and(|most| left.bytes > number(most));
        if !(too_old || too_many || too_much) {
            break;
        }
        remove(connection, project, state, &old)?;
        loaded.take(state, -1, -old.bytes);
        gone += 1;
    }
    if gone > 0 {
        loaded.save(connection)?;
    }
    Ok(gone)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Old> {
    Ok(Old { id: row.get(0)?, position: row.get(1)?, bytes: row.get(2)?, tags: row.get(3)? })
}

fn remove(connection: &Connection, project: ProjectId, state: State, old: &Old) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "DELETE FROM job_tags WHERE project = ?1 AND tag = ?2 AND state = ?3 AND position = ?4",
    )?;
    // Rows of tags that cannot be read are left to a check.
    for tag in decode_tags(&old.tags).unwrap_or_default().iter() {
        let key = params![int(project.get()), tag.as_str(), state_index(state), old.position];
        statement.execute(key)?;
    }
    let mut statement = connection.prepare_cached("DELETE FROM jobs WHERE id = ?1")?;
    statement.execute([old.id])?;
    Ok(())
}

/// A bound as the counts are; one beyond them bounds nothing.
fn number(most: u64) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}
