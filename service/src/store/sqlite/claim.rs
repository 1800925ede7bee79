//! Taking jobs from the queue: a step of the writer; and what of the queue reads see.

use std::cmp::Reverse;

use rusqlite::{Connection, Row, params};

use super::{
    change::apply,
    project::{Project, find_spider},
    row::{self, StoredJob, first, int, job_id, spider_id},
};
use crate::{
    error::{Error, Result},
    model::{Fence, JobKey, Millis, ProjectId, SpiderName},
    store::{Claimed, Effect, Fields, Wanted},
};

/// Row, rank and position of a pending job.
type Candidate = (i64, i64, i64);

/// Takes the next job of `spiders`.
pub(super) fn claim(
    connection: &Connection,
    project: ProjectId,
    wanted: &Wanted,
    effect: &Effect,
    now: Millis,
) -> Result<Option<Claimed>> {
    let Some((id, _, _)) = next(connection, project, &wanted.spiders)? else {
        return Ok(None);
    };
    let stored = StoredJob::by_id(connection, id, &Fields::Full)?;
    let mut project = Project::load(connection, project)?;
    let after = apply(connection, &mut project, &stored, effect, now)?;
    project.save(connection)?;
    after
        .map_err(|_| Error::bug("a claim that is refused"))?
        .claimed()
        .map(Some)
}

/// The job of a claim that was made before, as it is now, with the fence of that time.
pub(super) fn claimed_before(
    connection: &Connection,
    key: JobKey,
    fence: &str,
) -> Result<Option<Claimed>> {
    let stored = StoredJob::by_key(connection, key, &Fields::Full)?;
    let fence = Fence::parse(fence).map_err(Error::bug)?;
    Ok(stored.map(|stored| Claimed {
        job: stored.job,
        fence,
    }))
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
        keys.push(JobKey {
            project,
            spider: spider_id(row.get(0)?)?,
            job: job_id(row.get(1)?)?,
        });
    }
    Ok(keys)
}

impl StoredJob {
    fn claimed(self) -> Result<Claimed> {
        let fence = self
            .fence
            .ok_or_else(|| Error::bug("a claim without a start"))?;
        Ok(Claimed {
            job: self.job,
            fence,
        })
    }
}

fn next(
    connection: &Connection,
    project: ProjectId,
    spiders: &[SpiderName],
) -> Result<Option<Candidate>> {
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    if spiders.is_empty() {
        let sql = include_str!("sql/next_pending.sql");
        return first(connection, sql, [int(project.get())], read);
    }
    let sql = include_str!("sql/next_pending_of_spider.sql");
    let mut best: Option<Candidate> = None;
    for name in spiders {
        let Some(spider) = find_spider(connection, project, name)? else {
            continue;
        };
        let key = params![int(project.get()), int(spider.get())];
        let found = first(connection, sql, key, read)?;
        let order = |(_, priority, position): &Candidate| (Reverse(*priority), *position);
        best = best.into_iter().chain(found).min_by_key(order);
    }
    Ok(best)
}
