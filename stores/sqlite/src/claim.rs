//! Taking jobs from the queue: a step of the writer; and what of the queue reads see.

use crate::error::Result;
use rusqlite::{Connection, params};

use super::{
    change::apply,
    project::Project,
    queue,
    row::{self, StoredJob, int, job_id, spider_id},
};
use spiderq_core::{
    error::Error,
    model::{ClaimFilter, Fence, FieldSelection, JobKey, Millis, ProjectId},
    store::{Changed, Claimed, Effect},
};

/// Takes the next job that is wanted, if it may run.
pub(super) fn claim(
    connection: &Connection,
    project: ProjectId,
    wanted: &ClaimFilter,
    effect: &Effect,
    now: Millis,
) -> Result<Option<Claimed>> {
    let mut project = Project::load(connection, project)?;
    let limits = project.limits(connection)?;
    // Where no job may run, there is no need to look for one.
    if limits.exceeded_by(connection, 1, 1)?.is_some() {
        return Ok(None);
    }
    let Some(id) = queue::next(connection, project.id(), wanted, &limits)? else {
        return Ok(None);
    };
    let stored = StoredJob::by_id(connection, id, &FieldSelection::Full)?;
    match apply(connection, &mut project, &stored, effect, now)? {
        Ok(after) => {
            project.save(connection)?;
            after.claimed().map(Some)
        }
        Err(Changed::AtLimit(_)) => Ok(None),
        Err(_) => Err(Error::bug("a claim that is refused").into()),
    }
}

/// The job of a claim that was made before, as it is now, with the fence of that time.
pub(super) fn claimed_before(
    connection: &Connection,
    key: JobKey,
    fence: &str,
) -> Result<Option<Claimed>> {
    let stored = StoredJob::by_key(connection, key, &FieldSelection::Full)?;
    let fence = Fence::parse(fence).map_err(Error::bug)?;
    Ok(stored.map(|stored| Claimed { job: stored.job, fence }))
}

/// Pending jobs of lowest position.
pub(super) fn oldest_pending(
    connection: &Connection,
    project: ProjectId,
    limit: usize,
) -> Result<Vec<JobKey>> {
    let mut statement = connection.prepare_cached(include_str!("sql/oldest_pending.sql"))?;
    let mut rows = statement.query(params![int(project.get()), row::limit(limit)])?;
    let mut keys = Vec::new();
    while let Some(row) = rows.next()? {
        keys.push(JobKey { project, spider: spider_id(row.get(0)?)?, job: job_id(row.get(1)?)? });
    }
    Ok(keys)
}

impl StoredJob {
    fn claimed(self) -> Result<Claimed> {
        let fence = self.fence.ok_or_else(|| Error::bug("a claim without a start"))?;
        Ok(Claimed { job: self.job, fence })
    }
}
