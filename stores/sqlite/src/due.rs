//! Running jobs that are to be looked at: their lease or time to stop is over. The column
//! `due` says when, for jobs of all projects in one index.

use crate::error::Result;
use rusqlite::{Connection, params};

use super::row::{self, StoredJob, int, job_id, spider_id};
use spiderq_core::{
    model::{JobKey, Millis, ProjectId, State},
    store::Effect,
};

/// Jobs due at `now`, the soonest first. Looks at no row, so that one that cannot be read is
/// named too.
pub(super) fn due(connection: &Connection, now: Millis, limit: usize) -> Result<Vec<JobKey>> {
    let mut statement = connection.prepare_cached(include_str!("sql/due.sql"))?;
    let mut rows = statement.query(params![int(now.0), row::limit(limit)])?;
    let mut keys = Vec::new();
    while let Some(row) = rows.next()? {
        let (project, spider, job) = (row.get(0)?, row.get(1)?, row.get(2)?);
        match key(project, spider, job) {
            Ok(key) => keys.push(key),
            Err(error) => tracing::error!(?error, project, spider, job, "a job without a key"),
        }
    }
    Ok(keys)
}

/// Keeps a job out of what is due until then.
pub(super) fn postpone(connection: &Connection, key: JobKey, until: Millis) -> Result<()> {
    let mut statement = connection.prepare_cached(include_str!("sql/postpone.sql"))?;
    statement.execute(params![
        int(key.project.get()),
        int(key.spider.get()),
        int(key.job.get()),
        int(until.0)
    ])?;
    Ok(())
}

/// When a job is due after `effect`. What has been postponed stays so until a start or a
/// heartbeat.
pub(super) fn after(before: &StoredJob, after: &StoredJob, effect: &Effect) -> Option<Millis> {
    let renewed = effect.start.is_some() || effect.lease_expires.is_some() || effect.release;
    if before.due == by_itself(before) || renewed {
        by_itself(after)
    } else {
        before.due.filter(|_| after.job.state == State::Running)
    }
}

/// When a job is due that is not postponed.
pub(super) fn by_itself(stored: &StoredJob) -> Option<Millis> {
    let job = &stored.job;
    let ends = job.lease_expires.into_iter().chain(stored.stop_by);
    ends.min().filter(|_| job.state == State::Running)
}

fn key(project: i64, spider: i64, job: i64) -> Result<JobKey> {
    Ok(JobKey { project: ProjectId::new(project)?, spider: spider_id(spider)?, job: job_id(job)? })
}
