//! A project's own row: the highest position and the numbers given so far, for spiders and
//! for jobs. Each atomic step reads it once and writes it once.

use crate::error::Result;
use rusqlite::{Connection, params};

use super::{
    error::corrupt,
    events::Log,
    limits::{Limits, in_all},
    row::{self, StoredJob, first, int, job_id, spider_id, spider_name, state_index},
};
use spiderq_core::{
    model::{Job, JobId, Millis, Position, ProjectId, SpiderId, SpiderName, State},
    store::ProjectCounts,
};

/// Jobs in a state.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Done {
    /// How many.
    pub(super) jobs: i64,
    /// Bytes of their metadata in all.
    pub(super) bytes: i64,
}

/// A project within an atomic step.
#[derive(Debug)]
pub(super) struct Project {
    id: ProjectId,
    last_position: Position,
    last_spider: i64,
    /// By [`State::index`]; kept of the last two.
    done: [Done; 4],
    changed: bool,
    log: Option<Log>,
    /// Read when first asked for: most steps ask for none.
    limits: Option<Limits>,
}

impl Project {
    /// As it stands; one that was never used starts from nothing.
    pub(super) fn load(connection: &Connection, id: ProjectId) -> Result<Self> {
        let sql = "SELECT last_position, last_spider, finished_jobs, finished_bytes, \
                   deleted_jobs, deleted_bytes FROM projects WHERE project = ?1";
        let row = first(connection, sql, [int(id.get())], |row| {
            let done =
                |at| Ok::<_, rusqlite::Error>(Done { jobs: row.get(at)?, bytes: row.get(at + 1)? });
            let done = [Done::default(), Done::default(), done(2)?, done(4)?];
            Ok((row.get::<_, i64>(0)?, row.get(1)?, done))
        })?;
        let (position, last_spider, done) = row.unwrap_or_default();
        Ok(Self {
            id,
            last_position: Position(position.cast_unsigned()),
            last_spider,
            done,
            changed: false,
            log: Log::load(connection, id)?,
            limits: None,
        })
    }

    /// It exists from now on, also without a job.
    pub(super) const fn found(&mut self) {
        self.changed = true;
    }

    /// Writes it back.
    pub(super) fn save(&self, connection: &Connection) -> Result<()> {
        if self.changed {
            let mut statement = connection.prepare_cached(
                "INSERT OR REPLACE INTO projects VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?;
            let [_, _, finished, deleted] = self.done;
            statement.execute(params![
                int(self.id.get()),
                int(self.last_position.0),
                self.last_spider,
                finished.jobs,
                finished.bytes,
                deleted.jobs,
                deleted.bytes
            ])?;
        }
        self.log.as_ref().map_or(Ok(()), |log| log.save(connection))
    }

    /// Its number.
    pub(super) const fn id(&self) -> ProjectId {
        self.id
    }

    /// What may run at a time.
    pub(super) fn limits(&mut self, connection: &Connection) -> Result<Limits> {
        if let Some(limits) = self.limits {
            return Ok(limits);
        }
        let limits = Limits::load(connection, self.id)?;
        self.limits = Some(limits);
        Ok(limits)
    }

    /// Tells of a job that has entered its state, or, if it was in that `previous`ly, was
    /// asked to stop.
    pub(super) fn record(
        &mut self,
        connection: &Connection,
        previous: Option<State>,
        job: &Job,
    ) -> Result<()> {
        let Some(log) = &mut self.log else {
            return Ok(());
        };
        log.add(connection, job.key, previous, job.state)
    }

    /// Counts a job that became so, or went.
    pub(super) fn count(&mut self, before: Option<&StoredJob>, after: Option<&StoredJob>) {
        for (stored, sign) in
            before.map(|job| (job, -1)).into_iter().chain(after.map(|job| (job, 1)))
        {
            match stored.job.state {
                State::Pending | State::Running => {}
                state @ (State::Finished | State::Deleted) => {
                    self.take(state, sign, sign * int(stored.bytes));
                }
            }
        }
    }

    /// Counts so many more, or fewer, jobs and bytes in a state.
    pub(super) const fn take(&mut self, state: State, jobs: i64, bytes: i64) {
        let done = &mut self.done[state.index()];
        done.jobs += jobs;
        done.bytes += bytes;
        self.changed = true;
    }

    /// The finished, or the deleted, jobs.
    pub(super) const fn done(&self, state: State) -> Done {
        self.done[state.index()]
    }

    /// The place of an entry made at `now`.
    pub(super) fn next_position(&mut self, now: Millis) -> Position {
        self.last_position = Position::after(self.last_position, now);
        self.changed = true;
        self.last_position
    }

    /// The number of a spider; a new one if it has none.
    pub(super) fn spider(
        &mut self,
        connection: &Connection,
        name: &SpiderName,
    ) -> Result<SpiderId> {
        if let Some(spider) = find_spider(connection, self.id, name)? {
            return Ok(spider);
        }
        self.last_spider += 1;
        self.changed = true;
        let mut statement =
            connection.prepare_cached("INSERT INTO spiders VALUES (?1, ?2, ?3, 0, '[]', NULL)")?;
        statement.execute(params![int(self.id.get()), self.last_spider, name.as_str()])?;
        spider_id(self.last_spider)
    }

    /// The next number of a job of `spider`.
    pub(super) fn next_job(&self, connection: &Connection, spider: SpiderId) -> Result<JobId> {
        let mut statement = connection.prepare_cached(
            "UPDATE spiders SET last_job = last_job + 1 WHERE project = ?1 AND spider = ?2 \
             RETURNING last_job",
        )?;
        let key = params![int(self.id.get()), int(spider.get())];
        job_id(statement.query_row(key, |row| row.get(0))?)
    }
}

/// Projects with numbers above `after`.
pub(super) fn list(
    connection: &Connection,
    after: Option<ProjectId>,
    limit: usize,
) -> Result<Vec<ProjectId>> {
    let sql = "SELECT project FROM projects WHERE project > ?1 ORDER BY project LIMIT ?2";
    let after = after.map_or(0, |project| int(project.get()));
    let mut statement = connection.prepare_cached(sql)?;
    let numbers = statement.query_map(params![after, row::limit(limit)], |row| row.get(0))?;
    numbers.map(|number| ProjectId::new(number?).map_err(|_| corrupt("project"))).collect()
}

/// Jobs by state, and the units of those that run.
pub(super) fn counts(connection: &Connection, project: ProjectId) -> Result<ProjectCounts> {
    let count = |state| {
        let sql = "SELECT COUNT(*) FROM jobs INDEXED BY jobs_by_state \
                   WHERE project = ?1 AND state = ?2";
        number(connection, sql, params![int(project.get()), state_index(state)])
    };
    let (running, running_units) = in_all(connection, project)?;
    Ok(ProjectCounts {
        pending: count(State::Pending)?,
        running,
        finished: count(State::Finished)?,
        running_units,
    })
}

fn number(connection: &Connection, sql: &str, key: impl rusqlite::Params) -> Result<u64> {
    let mut statement = connection.prepare_cached(sql)?;
    let number: i64 = statement.query_row(key, |row| row.get(0))?;
    Ok(number.cast_unsigned())
}

/// The number of a spider.
pub(super) fn find_spider(
    connection: &Connection,
    project: ProjectId,
    name: &SpiderName,
) -> Result<Option<SpiderId>> {
    let sql = "SELECT spider FROM spiders WHERE project = ?1 AND name = ?2";
    let key = params![int(project.get()), name.as_str()];
    let number = first(connection, sql, key, |row| row.get(0))?;
    number.map(spider_id).transpose()
}

/// The name of a spider.
pub(super) fn find_name(
    connection: &Connection,
    project: ProjectId,
    spider: SpiderId,
) -> Result<Option<SpiderName>> {
    let sql = "SELECT name FROM spiders WHERE project = ?1 AND spider = ?2";
    let key = params![int(project.get()), int(spider.get())];
    let name: Option<String> = first(connection, sql, key, |row| row.get(0))?;
    name.as_deref().map(spider_name).transpose()
}
