//! Removing finished or deleted jobs that are too old or too many: a step of the writer. Reads no
//! job as a whole, so that a damaged row is removed like any other.

use rusqlite::{Connection, Row, named_params};
use spiderq_core::{
    limits::MAX_BATCH,
    model::{JobKey, ProjectId, State},
    store::{Pruned, Retention},
};

use crate::{
    error::Result,
    job_row::{self, decode_tags, int, job_id, spider_id, state_index},
    job_tags,
    project_step::ProjectStep,
};

/// What of a job is needed to remove it.
pub(crate) struct OldJob {
    id: i64,
    pub(crate) spider: i64,
    job: i64,
    pub(crate) position: i64,
    pub(crate) metadata_bytes: i64,
    tags: String,
}

/// Removes up to `limit` jobs of a state, the oldest first, while there are more than `keep`
/// allows.
pub(crate) fn prune(
    connection: &Connection,
    project: ProjectId,
    state: State,
    keep: &Retention,
    limit: usize,
) -> Result<Pruned> {
    let mut step = ProjectStep::load(connection, project)?;
    let mut removed = Pruned::default();
    for job in oldest(connection, project, state, limit.min(MAX_BATCH))? {
        let left = step.sums(state);
        let too_old = keep.from.is_some_and(|from| job.position < int(from.0));
        let too_many = keep.jobs.is_some_and(|most| left.jobs > clamp(most));
        let too_large = keep.bytes.is_some_and(|most| left.bytes > clamp(most));
        if !(too_old || too_many || too_large) {
            break;
        }
        let tags = remove(connection, project, state, &job)?;
        step.pruned(state, &job, &tags);
        // A row without a key that can be told has no event that anybody could use.
        if let (Ok(spider), Ok(job)) = (spider_id(job.spider), job_id(job.job)) {
            let key = JobKey { project, spider, job };
            step.purged(key, state)?;
            removed.keys.push(key);
        }
        removed.count += 1;
    }
    step.save()?;
    Ok(removed)
}

fn oldest(
    connection: &Connection,
    project: ProjectId,
    state: State,
    limit: usize,
) -> Result<Vec<OldJob>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, spider, job, position, metadata_bytes, tags FROM jobs INDEXED BY jobs_by_state \
         WHERE project = :project AND state = :state ORDER BY position LIMIT :limit",
    )?;
    let key = named_params! {
        ":project": int(project.get()),
        ":state": state_index(state),
        ":limit": job_row::limit(limit),
    };
    let read = |row: &Row<'_>| {
        Ok(OldJob {
            id: row.get("id")?,
            spider: row.get("spider")?,
            job: row.get("job")?,
            position: row.get("position")?,
            metadata_bytes: row.get("metadata_bytes")?,
            tags: row.get("tags")?,
        })
    };
    Ok(statement.query_map(key, read)?.collect::<rusqlite::Result<_>>()?)
}

/// The tags that it had.
fn remove(
    connection: &Connection,
    project: ProjectId,
    state: State,
    job: &OldJob,
) -> Result<Vec<String>> {
    // Damaged tags do not keep a job alive; fsck finds what is left of them in `job_tags`.
    let tags = decode_tags(&job.tags).unwrap_or_default();
    let place = [int(project.get()), state_index(state), job.position];
    job_tags::delete(connection, place, tags.iter())?;
    connection.prepare_cached("DELETE FROM jobs WHERE id = ?1")?.execute([job.id])?;
    Ok(tags.iter().map(|tag| tag.as_str().to_owned()).collect())
}

/// A bound of the settings, to compare with a sum that SQLite keeps signed.
fn clamp(bound: u64) -> i64 {
    i64::try_from(bound).unwrap_or(i64::MAX)
}
