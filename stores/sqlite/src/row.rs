//! A job as a row of the table `jobs`, both ways. What is read was written here: anything
//! else is a fault.

use crate::error::Result;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{error::corrupt, metadata};
use spiderq_core::{
    model::FieldSelection,
    model::{
        Actor, Counters, Fence, Job, JobId, JobKey, Millis, Position, Priority, ProjectId,
        SpiderId, SpiderName, State, StateEntry, Tags, Units,
    },
};

/// A job with what no caller sees of it.
#[derive(Clone, Debug)]
pub(super) struct StoredJob {
    /// Number of its row.
    pub(super) id: i64,
    /// The job.
    pub(super) job: Job,
    /// The fence of the attempt that runs.
    pub(super) fence: Option<Fence>,
    /// The unique key that it holds.
    pub(super) unique: Option<String>,
    /// Whether it stands before the other pending jobs of its priority.
    pub(super) front: bool,
    /// Until when it may stop by itself.
    pub(super) stop_by: Option<Millis>,
    /// When it is next to be looked at; `None` for one that does not run.
    pub(super) due: Option<Millis>,
    /// Bytes of its metadata, if it is finished or deleted.
    pub(super) bytes: u64,
}

impl StoredJob {
    /// The job with this key.
    pub(super) fn by_key(
        connection: &Connection,
        key: JobKey,
        fields: &FieldSelection,
    ) -> Result<Option<Self>> {
        let sql = "SELECT * FROM job_rows WHERE project = ?1 AND spider = ?2 AND job = ?3";
        let mut statement = connection.prepare_cached(sql)?;
        let key = params![int(key.project.get()), int(key.spider.get()), int(key.job.get())];
        let mut rows = statement.query(key)?;
        rows.next()?.map(|row| read(row, fields)).transpose()
    }

    /// The job of a row that an index names.
    pub(super) fn by_id(connection: &Connection, id: i64, fields: &FieldSelection) -> Result<Self> {
        let sql = "SELECT * FROM job_rows WHERE id = ?1";
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query([id])?;
        let row = rows.next()?.ok_or_else(|| corrupt("index"))?;
        read(row, fields)
    }

    /// Adds the row and those of its tags, and gives it its number.
    pub(super) fn insert(&mut self, connection: &Connection) -> Result<()> {
        let job = &self.job;
        let mut statement = connection.prepare_cached(include_str!("sql/insert_job.sql"))?;
        self.id = statement.insert(params![
            int(job.key.project.get()),
            int(job.key.spider.get()),
            int(job.key.job.get()),
            state_index(job.state),
            int(job.position.0),
            job.priority.get(),
            job.units.get(),
            job.attempt,
            int(job.updated.0),
            job.lease_expires.map(|time| int(time.0)),
            self.fence.as_ref().map(Fence::expose),
            self.unique,
            entry_position(job, State::Pending),
            entry_actor(job, State::Pending),
            entry_position(job, State::Running),
            entry_actor(job, State::Running),
            entry_position(job, State::Finished),
            entry_actor(job, State::Finished),
            entry_position(job, State::Deleted),
            entry_actor(job, State::Deleted),
            job.counters.items.map(int),
            job.counters.pages.map(int),
            job.counters.logs.map(int),
            job.counters.errors.map(int),
            encode_tags(&job.tags),
            metadata::encode(&job.metadata),
            self.front,
            self.stop_by.map(|time| int(time.0)),
            self.due.map(|time| int(time.0)),
            int(self.bytes),
        ])?;
        self.insert_tags(connection)
    }

    /// Writes what has changed since `before`, its indexes only where they differ.
    pub(super) fn update(&self, connection: &Connection, before: &Self) -> Result<()> {
        let (job, old) = (&self.job, &before.job);
        let mut statement = connection.prepare_cached(include_str!("sql/update_job.sql"))?;
        statement.execute(params![
            self.id,
            job.attempt,
            int(job.updated.0),
            job.lease_expires.map(|time| int(time.0)),
            self.stop_by.map(|time| int(time.0)),
            self.fence.as_ref().map(Fence::expose),
            entry_position(job, State::Pending),
            entry_actor(job, State::Pending),
            entry_position(job, State::Running),
            entry_actor(job, State::Running),
            entry_position(job, State::Finished),
            entry_actor(job, State::Finished),
            entry_position(job, State::Deleted),
            entry_actor(job, State::Deleted),
            job.counters.items.map(int),
            job.counters.pages.map(int),
            job.counters.logs.map(int),
            job.counters.errors.map(int),
            metadata::encode(&job.metadata),
            int(self.bytes),
        ])?;
        let moved = (job.state, job.position) != (old.state, old.position);
        let weight = |job: &Job| (job.priority, job.units);
        let kept = !moved && weight(job) == weight(old) && job.tags == old.tags;
        if !kept || self.unique != before.unique {
            let mut statement = connection.prepare_cached(include_str!("sql/move_job.sql"))?;
            statement.execute(params![
                self.id,
                state_index(job.state),
                int(job.position.0),
                self.front,
                job.priority.get(),
                job.units.get(),
                encode_tags(&job.tags),
                self.unique,
                self.due.map(|time| int(time.0)),
            ])?;
        } else if self.due != before.due {
            let sql = "UPDATE jobs SET due = ?2 WHERE id = ?1";
            let due = self.due.map(|time| int(time.0));
            connection.prepare_cached(sql)?.execute(params![self.id, due])?;
        }
        if moved || job.tags != old.tags {
            before.delete_tags(connection)?;
            self.insert_tags(connection)?;
        }
        Ok(())
    }

    /// Removes the row and those of its tags.
    pub(super) fn delete(&self, connection: &Connection) -> Result<()> {
        self.delete_tags(connection)?;
        let mut statement = connection.prepare_cached("DELETE FROM jobs WHERE id = ?1")?;
        statement.execute([self.id])?;
        Ok(())
    }

    fn insert_tags(&self, connection: &Connection) -> Result<()> {
        let job = &self.job;
        let mut statement =
            connection.prepare_cached("INSERT INTO job_tags VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
        for tag in job.tags.iter() {
            statement.execute(params![
                int(job.key.project.get()),
                tag.as_str(),
                state_index(job.state),
                int(job.position.0),
                int(job.key.spider.get()),
                self.id
            ])?;
        }
        Ok(())
    }

    fn delete_tags(&self, connection: &Connection) -> Result<()> {
        let job = &self.job;
        let mut statement = connection.prepare_cached(
            "DELETE FROM job_tags WHERE project = ?1 AND tag = ?2 AND state = ?3 AND position = ?4",
        )?;
        for tag in job.tags.iter() {
            statement.execute(params![
                int(job.key.project.get()),
                tag.as_str(),
                state_index(job.state),
                int(job.position.0)
            ])?;
        }
        Ok(())
    }
}

/// An unsigned number as SQLite keeps it: the same bits.
pub(super) const fn int(number: u64) -> i64 {
    number.cast_signed()
}

/// A state as SQLite keeps it.
pub(super) const fn state_index(state: State) -> i64 {
    state.index() as i64
}

/// A number of rows for a `LIMIT`.
pub(super) fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// The number of a spider as stored.
pub(super) fn spider_id(number: i64) -> Result<SpiderId> {
    SpiderId::new(number).map_err(|_| corrupt("spider"))
}

/// The number of a job as stored.
pub(super) fn job_id(number: i64) -> Result<JobId> {
    JobId::new(number).map_err(|_| corrupt("job"))
}

/// One row of the view `job_rows`, whose columns stand in this order.
fn read(row: &Row<'_>, fields: &FieldSelection) -> Result<StoredJob> {
    let key = JobKey {
        project: ProjectId::new(row.get(1)?).map_err(|_| corrupt("project"))?,
        spider: spider_id(row.get(2)?)?,
        job: job_id(row.get(3)?)?,
    };
    let fence = row.get::<_, Option<String>>(12)?;
    let fence = fence.map(|text| Fence::parse(&text)).transpose();
    Ok(StoredJob {
        id: row.get(0)?,
        job: Job {
            key,
            spider: spider_name(row.get_ref(4)?.as_str().map_err(|_| corrupt("name"))?)?,
            state: state(row.get(5)?)?,
            position: Position(row.get::<_, i64>(6)?.cast_unsigned()),
            priority: Priority::new(row.get(7)?).map_err(|_| corrupt("priority"))?,
            units: Units::new(row.get(8)?).map_err(|_| corrupt("units"))?,
            attempt: row.get(9)?,
            updated: Millis(row.get::<_, i64>(10)?.cast_unsigned()),
            lease_expires: number(row, 11)?.map(Millis),
            entries: [entry(row, 14)?, entry(row, 16)?, entry(row, 18)?, entry(row, 20)?],
            counters: Counters {
                items: number(row, 22)?,
                pages: number(row, 23)?,
                logs: number(row, 24)?,
                errors: number(row, 25)?,
            },
            tags: decode_tags(row.get_ref(26)?.as_str().map_err(|_| corrupt("tags"))?)?,
            metadata: metadata::decode(
                row.get_ref(27)?.as_str().map_err(|_| corrupt("metadata"))?,
                fields,
            )?,
        },
        fence: fence.map_err(|_| corrupt("fence"))?,
        unique: row.get(13)?,
        front: row.get(28)?,
        stop_by: number(row, 29)?.map(Millis),
        due: number(row, 30)?.map(Millis),
        bytes: number(row, 31)?.unwrap_or(0),
    })
}

fn number(row: &Row<'_>, column: usize) -> Result<Option<u64>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(i64::cast_unsigned))
}

fn entry(row: &Row<'_>, column: usize) -> Result<Option<StateEntry>> {
    let Some(position) = number(row, column)? else {
        return Ok(None);
    };
    let actor: String = row.get(column + 1)?;
    let actor = Actor::parse(&actor).map_err(|_| corrupt("actor"))?;
    Ok(Some(StateEntry { position: Position(position), actor }))
}

/// A state as stored.
pub(super) fn state(index: i64) -> Result<State> {
    usize::try_from(index)
        .ok()
        .and_then(|index| State::ALL.get(index))
        .copied()
        .ok_or_else(|| corrupt("state"))
}

/// A spider's name as stored.
pub(super) fn spider_name(text: &str) -> Result<SpiderName> {
    SpiderName::parse(text).map_err(|_| corrupt("name"))
}

fn entry_position(job: &Job, state: State) -> Option<i64> {
    job.entry(state).map(|entry| int(entry.position.0))
}

fn entry_actor(job: &Job, state: State) -> Option<&str> {
    job.entry(state).map(|entry| entry.actor.as_str())
}

/// Tags as a column keeps them.
pub(super) fn encode_tags(tags: &Tags) -> String {
    serde_json::Value::from_iter(tags.iter().map(|tag| tag.as_str())).to_string()
}

/// Back from [`encode_tags`].
pub(super) fn decode_tags(text: &str) -> Result<Tags> {
    if text == "[]" {
        return Ok(Tags::default());
    }
    let texts: Vec<String> = serde_json::from_str(text).map_err(|_| corrupt("tags"))?;
    Tags::parse(texts).map_err(|_| corrupt("tags"))
}

/// One row or none.
pub(super) fn first<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Option<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row(parameters, read).optional()?)
}
