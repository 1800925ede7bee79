//! A project within one atomic step of the writer: its counters, its event log and its limits,
//! each read once and written once.

use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};
use spiderq_core::{
    effect::{Applied, NewEvent, ProjectView, RunningLimits, StoredJob},
    model::{JobId, JobKey, Millis, Position, ProjectId, SpiderId, SpiderName, State, Tag},
};

use crate::{
    error::{Result, StepError},
    events::EventLog,
    job_blocks::BlockChanges,
    job_counts::CountChanges,
    job_row::{first, int, job_id, spider_id},
    projects::find_spider,
    retention::OldJob,
};

/// Finished or deleted jobs of a project.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sums {
    pub(crate) jobs: i64,
    /// Bytes of their metadata in all.
    pub(crate) bytes: i64,
}

/// A project within an atomic step.
#[derive(Debug)]
pub(crate) struct ProjectStep<'c> {
    pub(crate) connection: &'c Connection,
    pub(crate) id: ProjectId,
    last_position: Position,
    last_spider: i64,
    /// By [`State::index`]; kept of the last two.
    sums: [Sums; 4],
    changed: bool,
    counts: CountChanges,
    blocks: BlockChanges,
    event_log: Option<EventLog>,
    /// Read when first asked for: most steps ask for none.
    limits: Option<RunningLimits>,
}

impl<'c> ProjectStep<'c> {
    /// As the project stands; one that was never used starts from nothing.
    pub(crate) fn load(connection: &'c Connection, id: ProjectId) -> Result<Self> {
        let sql = "SELECT * FROM projects WHERE project = ?1";
        let read = |row: &Row<'_>| {
            let sums = |jobs, bytes| {
                Ok::<_, rusqlite::Error>(Sums { jobs: row.get(jobs)?, bytes: row.get(bytes)? })
            };
            let finished = sums("finished_jobs", "finished_bytes")?;
            let deleted = sums("deleted_jobs", "deleted_bytes")?;
            let sums = [Sums::default(), Sums::default(), finished, deleted];
            Ok((row.get::<_, i64>("last_position")?, row.get("last_spider")?, sums))
        };
        let row = first(connection, sql, [int(id.get())], read)?;
        let (position, last_spider, sums) = row.unwrap_or_default();
        Ok(Self {
            connection,
            id,
            last_position: Position(position.cast_unsigned()),
            last_spider,
            sums,
            changed: false,
            counts: CountChanges::default(),
            blocks: BlockChanges::default(),
            event_log: EventLog::load_to_write(connection, id)?,
            limits: None,
        })
    }

    /// Makes the project exist from now on, also without a job.
    pub(crate) const fn create(&mut self) {
        self.changed = true;
    }

    /// Writes back what has changed.
    pub(crate) fn save(&self) -> Result<()> {
        if self.changed {
            let [_, _, finished, deleted] = self.sums;
            let sql = include_str!("sql/save_project.sql");
            self.connection.prepare_cached(sql)?.execute(named_params! {
                ":project": int(self.id.get()),
                ":last_position": int(self.last_position.0),
                ":last_spider": self.last_spider,
                ":finished_jobs": finished.jobs,
                ":finished_bytes": finished.bytes,
                ":deleted_jobs": deleted.jobs,
                ":deleted_bytes": deleted.bytes,
            })?;
        }
        self.counts.save(self.connection, self.id)?;
        self.blocks.save(self.connection, self.id)?;
        self.event_log.as_ref().map_or(Ok(()), |log| log.save(self.connection))
    }

    /// The position of the next entry into a state.
    pub(crate) fn next_position(&self, now: Millis) -> Position {
        Position::after(self.last_position, now)
    }

    /// Counts a job that was added, and adds its event.
    pub(crate) fn added(&mut self, stored: &StoredJob) -> Result<()> {
        self.count(stored, 1);
        self.add_event(NewEvent::added(&stored.job))
    }

    /// Counts a job that has changed, and adds its event.
    pub(crate) fn applied(&mut self, before: &StoredJob, applied: &Applied) -> Result<()> {
        self.count(before, -1);
        self.count(&applied.after, 1);
        applied.event.map_or(Ok(()), |event| self.add_event(event))
    }

    /// Counts a job that is gone, and adds its event.
    pub(crate) fn removed(&mut self, stored: &StoredJob) -> Result<()> {
        self.count(stored, -1);
        self.purged(stored.job.key, stored.job.state)
    }

    /// Adds the event of a job that is gone.
    pub(crate) fn purged(&mut self, key: JobKey, state: State) -> Result<()> {
        self.add_event(NewEvent::purged(key, state))
    }

    fn count(&mut self, stored: &StoredJob, sign: i64) {
        let job = &stored.job;
        if job.position > self.last_position {
            self.last_position = job.position;
            self.changed = true;
        }
        let tags = job.tags.iter().map(Tag::as_str);
        self.counts.add(job.state, int(job.key.spider.get()), tags, sign);
        self.blocks.add(job.state, job.position, sign);
        if matches!(job.state, State::Finished | State::Deleted) {
            self.add_sums(job.state, sign, sign * int(stored.metadata_bytes));
        }
    }

    /// Counts a job that is gone, of which no more than this could be read.
    pub(crate) fn pruned(&mut self, state: State, job: &OldJob, tags: &[String]) {
        self.counts.add(state, job.spider, tags.iter().map(String::as_str), -1);
        self.blocks.add(state, Position(job.position.cast_unsigned()), -1);
        self.add_sums(state, -1, -job.metadata_bytes);
    }

    /// Counts so many more, or fewer, jobs and bytes in a state.
    const fn add_sums(&mut self, state: State, jobs: i64, bytes: i64) {
        let sums = &mut self.sums[state.index()];
        sums.jobs += jobs;
        sums.bytes += bytes;
        self.changed = true;
    }

    /// The jobs in `state`, finished or deleted.
    pub(crate) const fn sums(&self, state: State) -> Sums {
        self.sums[state.index()]
    }

    fn add_event(&mut self, event: NewEvent) -> Result<()> {
        self.event_log.as_mut().map_or(Ok(()), |log| log.add(self.connection, event))
    }

    /// The number of a spider; a new one if it has none.
    pub(crate) fn spider(&mut self, name: &SpiderName) -> Result<SpiderId> {
        if let Some(spider) = find_spider(self.connection, self.id, name.as_str())? {
            return Ok(spider);
        }
        self.last_spider += 1;
        self.changed = true;
        let sql = "INSERT INTO spiders (project, spider, name, last_job) VALUES (?1, ?2, ?3, 0)";
        let row = params![int(self.id.get()), self.last_spider, name.as_str()];
        self.connection.prepare_cached(sql)?.execute(row)?;
        spider_id(self.last_spider)
    }

    /// The next number of a job of `spider`.
    pub(crate) fn next_job(&self, spider: SpiderId) -> Result<JobId> {
        let sql = "UPDATE spiders SET last_job = last_job + 1 \
                   WHERE project = ?1 AND spider = ?2 RETURNING last_job";
        let mut statement = self.connection.prepare_cached(sql)?;
        let key = params![int(self.id.get()), int(spider.get())];
        job_id(statement.query_row(key, |row| row.get(0))?)
    }
}

impl ProjectView for ProjectStep<'_> {
    type Error = StepError;

    fn limits(&mut self) -> Result<RunningLimits> {
        if let Some(limits) = self.limits {
            return Ok(limits);
        }
        let sql = "SELECT value FROM settings WHERE project = ?1 AND name = ?2";
        let setting = |name: &str| {
            first(self.connection, sql, params![int(self.id.get()), name], |row| row.get(0))
        };
        Ok(*self.limits.insert(RunningLimits::load(setting)?))
    }

    fn running(&mut self) -> Result<(u64, u64)> {
        running(self.connection, self.id)
    }

    fn is_full(&mut self, spider: SpiderId) -> Result<bool> {
        is_full(self.connection, self.id, spider)
    }
}

/// Running jobs of a project, and their units in all; counted in the index of those.
pub(crate) fn running(connection: &Connection, project: ProjectId) -> Result<(u64, u64)> {
    let mut statement = connection.prepare_cached(include_str!("sql/running.sql"))?;
    let read = |row: &Row<'_>| Ok((row.get("jobs")?, row.get("units")?));
    let (jobs, units): (i64, i64) = statement.query_row([int(project.get())], read)?;
    Ok((jobs.cast_unsigned(), units.cast_unsigned()))
}

/// Whether a spider has a limit and runs as many jobs as that allows.
pub(crate) fn is_full(
    connection: &Connection,
    project: ProjectId,
    spider: SpiderId,
) -> Result<bool> {
    let mut statement = connection.prepare_cached(include_str!("sql/full_spider.sql"))?;
    let key = named_params! { ":project": int(project.get()), ":spider": int(spider.get()) };
    // No row: no limit.
    Ok(statement.query_row(key, |row| row.get(0)).optional()?.unwrap_or(false))
}
