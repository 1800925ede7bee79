//! A job as a row of the table `jobs`, both ways. What is read was written here, so anything
//! else is a fault.
//!
//! Columns are named, never counted: reading names them by [`column`], and each statement that writes
//! calls its parameters as the columns that they go to.

use std::cell::OnceCell;

use rusqlite::{CachedStatement, Connection, OptionalExtension as _, Row, params, types::Value};
use spiderq_core::{
    effect::StoredJob,
    error::Error,
    model::{
        Actor, Counters, Fence, FieldSelection, Job, JobId, JobKey, Metadata, Millis, Position,
        Priority, ProjectId, SpiderId, SpiderName, State, StateEntry, Tags, UniqueKey, Units,
    },
};

use crate::{
    error::{Result, corrupt, damaged_job},
    job_columns::{BY_ID, BY_KEY, INSERT, column},
    job_tags,
    metadata::{self, Columns},
};

/// Reads jobs of rows that an index names, by one statement.
pub(crate) struct RowReader<'a> {
    statement: CachedStatement<'a>,
    fields: &'a FieldSelection,
}

impl<'a> RowReader<'a> {
    pub(crate) fn new(connection: &'a Connection, fields: &'a FieldSelection) -> Result<Self> {
        Ok(Self { statement: connection.prepare_cached(BY_ID.sql(Some(fields)))?, fields })
    }

    pub(crate) fn read(&mut self, id: i64) -> Result<JobRow> {
        let mut rows = self.statement.query([id])?;
        let row = rows.next()?.ok_or_else(|| corrupt("index"))?;
        read(row, Some(self.fields))
    }
}

/// A job and the number of its row.
#[derive(Clone, Debug)]
pub(crate) struct JobRow {
    /// 0 before it is inserted.
    pub(crate) id: i64,
    pub(crate) stored: StoredJob,
}

impl JobRow {
    /// The job with this key. `None` for `fields` leaves all metadata unread.
    pub(crate) fn by_key(
        connection: &Connection,
        key: JobKey,
        fields: Option<&FieldSelection>,
    ) -> Result<Option<Self>> {
        let mut statement = connection.prepare_cached(BY_KEY.sql(fields))?;
        let key = params![int(key.project.get()), int(key.spider.get()), int(key.job.get())];
        let mut rows = statement.query(key)?;
        rows.next()?.map(|row| read(row, fields)).transpose()
    }

    /// The job of a row that an index names.
    pub(crate) fn by_id(connection: &Connection, id: i64, fields: &FieldSelection) -> Result<Self> {
        RowReader::new(connection, fields)?.read(id)
    }

    /// Adds a row for the job, and those of its tags.
    pub(crate) fn insert(connection: &Connection, stored: StoredJob) -> Result<StoredJob> {
        let mut row = Self { id: 0, stored };
        row.execute(connection, &INSERT)?;
        row.id = connection.last_insert_rowid();
        let job = &row.stored.job;
        job_tags::insert(connection, row.id, job, job.tags.iter())?;
        Ok(row.stored)
    }

    /// Writes what differs in `after`: metadata may be long, and each index costs a search.
    pub(crate) fn update(self, connection: &Connection, after: StoredJob) -> Result<StoredJob> {
        let row = Self { id: self.id, stored: after };
        let (old, new) = (&self.stored, &row.stored);
        row.execute(connection, include_str!("sql/update_job.sql"))?;
        if new.job.metadata != old.job.metadata {
            row.execute(connection, include_str!("sql/update_metadata.sql"))?;
        }
        let moved = (new.job.state, new.job.position) != (old.job.state, old.job.position);
        let tagged = new.job.tags != old.job.tags;
        let rank = |stored: &StoredJob| (stored.job.priority, stored.job.units);
        if moved || rank(new) != rank(old) || new.unique != old.unique {
            row.execute(connection, include_str!("sql/move_job.sql"))?;
        } else {
            if new.due != old.due {
                row.execute(connection, "UPDATE jobs SET due = :due WHERE id = :id")?;
            }
            if tagged {
                row.execute(connection, "UPDATE jobs SET tags = :tags WHERE id = :id")?;
            }
        }
        if moved || tagged {
            job_tags::update(connection, row.id, &old.job, &new.job)?;
        }
        Ok(row.stored)
    }

    /// Removes the row and those of its tags.
    pub(crate) fn delete(&self, connection: &Connection) -> Result<()> {
        let job = &self.stored.job;
        let place = [int(job.key.project.get()), state_index(job.state), int(job.position.0)];
        job_tags::delete(connection, place, job.tags.iter())?;
        self.execute(connection, "DELETE FROM jobs WHERE id = :id")
    }

    /// Runs a statement whose parameters are called as columns.
    fn execute(&self, connection: &Connection, sql: &str) -> Result<()> {
        let mut statement = connection.prepare_cached(sql)?;
        let metadata = OnceCell::new();
        for index in 1..=statement.parameter_count() {
            let name = statement.parameter_name(index).unwrap_or("?");
            let value = self.value(name, &metadata);
            let value = value.ok_or_else(|| Error::bug(format!("no column for {name}")))?;
            statement.raw_bind_parameter(index, value)?;
        }
        statement.raw_execute()?;
        Ok(())
    }

    /// What the job has in a column. `metadata` has the last two, which take time, once one of them
    /// was asked for.
    fn value(&self, parameter: &str, metadata: &OnceCell<Columns>) -> Option<Value> {
        let Self { id, stored } = self;
        let job = &stored.job;
        let metadata = || metadata.get_or_init(|| metadata::encode(&job.metadata));
        Some(match parameter {
            ":id" => (*id).into(),
            ":project" => int(job.key.project.get()).into(),
            ":spider" => int(job.key.spider.get()).into(),
            ":job" => int(job.key.job.get()).into(),
            ":state" => state_index(job.state).into(),
            ":position" => int(job.position.0).into(),
            ":front" => stored.front.into(),
            ":priority" => i64::from(job.priority.get()).into(),
            ":units" => i64::from(job.units.get()).into(),
            ":attempt" => i64::from(job.attempt).into(),
            ":updated" => int(job.updated.0).into(),
            ":lease_expires" => time(job.lease_expires),
            ":stop_by" => time(stored.stop_by),
            ":due" => time(stored.due),
            ":fence" => stored.fence.as_ref().map(|fence| fence.expose().to_owned()).into(),
            ":unique_key" => stored.unique.as_ref().map(|key| key.as_str().to_owned()).into(),
            ":pending_position" => entry_position(job, State::Pending),
            ":pending_by" => entry_actor(job, State::Pending),
            ":running_position" => entry_position(job, State::Running),
            ":running_by" => entry_actor(job, State::Running),
            ":finished_position" => entry_position(job, State::Finished),
            ":finished_by" => entry_actor(job, State::Finished),
            ":deleted_position" => entry_position(job, State::Deleted),
            ":deleted_by" => entry_actor(job, State::Deleted),
            ":items" => job.counters.items.map(int).into(),
            ":pages" => job.counters.pages.map(int).into(),
            ":logs" => job.counters.logs.map(int).into(),
            ":errors" => job.counters.errors.map(int).into(),
            ":tags" => encode_tags(&job.tags).into(),
            ":stop_requested" => stored.stop_requested.into(),
            ":metadata_bytes" => int(stored.metadata_bytes).into(),
            ":metadata" => metadata().text.clone().into(),
            ":compressed" => metadata().compressed.clone().into(),
            _ => return None,
        })
    }
}

fn time(time: Option<Millis>) -> Value {
    time.map(|time| int(time.0)).into()
}

fn entry_position(job: &Job, state: State) -> Value {
    job.entry(state).map(|entry| int(entry.position.0)).into()
}

fn entry_actor(job: &Job, state: State) -> Value {
    job.entry(state).map(|entry| entry.actor.as_str().to_owned()).into()
}

/// One row with the first or all of the columns. SQLite has read it: what is wrong now is what it
/// holds.
fn read(row: &Row<'_>, fields: Option<&FieldSelection>) -> Result<JobRow> {
    let key = JobKey {
        project: project_id(row.get(const { column("project") })?)?,
        spider: spider_id(row.get(const { column("spider") })?)?,
        job: job_id(row.get(const { column("job") })?)?,
    };
    read_record(row, key, fields).map_err(|error| damaged_job(key, error))
}

fn read_record(row: &Row<'_>, key: JobKey, fields: Option<&FieldSelection>) -> Result<JobRow> {
    let metadata = fields.map(|fields| {
        let text = row.get_ref(const { column("metadata") })?.as_str();
        let compressed = row.get_ref(const { column("compressed") })?.as_blob_or_null();
        let what = |_| corrupt("metadata");
        metadata::decode(text.map_err(what)?, compressed.map_err(what)?, fields)
    });
    let unique: Option<String> = row.get(const { column("unique_key") })?;
    let stored = StoredJob {
        job: read_job(row, key, metadata.transpose()?.unwrap_or_default())?,
        fence: fence(row.get(const { column("fence") })?)?,
        unique: unique.map(UniqueKey::stored),
        front: row.get(const { column("front") })?,
        stop_by: number(row, const { column("stop_by") })?.map(Millis),
        due: number(row, const { column("due") })?.map(Millis),
        stop_requested: row.get(const { column("stop_requested") })?,
        metadata_bytes: row.get::<_, i64>(const { column("metadata_bytes") })?.cast_unsigned(),
    };
    Ok(JobRow { id: row.get(const { column("id") })?, stored })
}

fn read_job(row: &Row<'_>, key: JobKey, metadata: Metadata) -> Result<Job> {
    let text = |column, what| row.get_ref(column)?.as_str().map_err(|_| corrupt(what));
    Ok(Job {
        key,
        spider: spider_name(text(const { column("spider_name") }, "name")?)?,
        state: state(row.get(const { column("state") })?)?,
        position: Position(row.get::<_, i64>(const { column("position") })?.cast_unsigned()),
        priority: Priority::new(row.get(const { column("priority") })?)
            .map_err(|_| corrupt("priority"))?,
        units: Units::new(row.get(const { column("units") })?).map_err(|_| corrupt("units"))?,
        attempt: row.get(const { column("attempt") })?,
        updated: Millis(row.get::<_, i64>(const { column("updated") })?.cast_unsigned()),
        lease_expires: number(row, const { column("lease_expires") })?.map(Millis),
        entries: [
            entry(row, const { [column("pending_position"), column("pending_by")] })?,
            entry(row, const { [column("running_position"), column("running_by")] })?,
            entry(row, const { [column("finished_position"), column("finished_by")] })?,
            entry(row, const { [column("deleted_position"), column("deleted_by")] })?,
        ],
        counters: Counters {
            items: number(row, const { column("items") })?,
            pages: number(row, const { column("pages") })?,
            logs: number(row, const { column("logs") })?,
            errors: number(row, const { column("errors") })?,
        },
        tags: decode_tags(text(const { column("tags") }, "tags")?)?,
        metadata,
    })
}

fn number(row: &Row<'_>, column: usize) -> Result<Option<u64>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(i64::cast_unsigned))
}

fn entry(row: &Row<'_>, [position, actor]: [usize; 2]) -> Result<Option<StateEntry>> {
    let Some(position) = number(row, position)? else {
        return Ok(None);
    };
    let actor = row.get_ref(actor)?.as_str().map_err(|_| corrupt("actor"))?;
    let actor = Actor::parse(actor).map_err(|_| corrupt("actor"))?;
    Ok(Some(StateEntry { position: Position(position), actor }))
}

fn fence(text: Option<String>) -> Result<Option<Fence>> {
    text.map(|text| Fence::parse(&text)).transpose().map_err(|_| corrupt("fence"))
}

/// An unsigned number as SQLite keeps it: the same bits.
pub(crate) const fn int(number: u64) -> i64 {
    number.cast_signed()
}

/// A state as SQLite keeps it.
pub(crate) const fn state_index(state: State) -> i64 {
    state.index() as i64
}

/// Back from [`state_index`].
pub(crate) fn state(index: i64) -> Result<State> {
    let state = usize::try_from(index).ok().and_then(|index| State::ALL.get(index));
    state.copied().ok_or_else(|| corrupt("state"))
}

/// A number of rows for a `LIMIT`.
pub(crate) fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

pub(crate) fn project_id(number: i64) -> Result<ProjectId> {
    ProjectId::new(number).map_err(|_| corrupt("project"))
}

pub(crate) fn spider_id(number: i64) -> Result<SpiderId> {
    SpiderId::new(number).map_err(|_| corrupt("spider"))
}

pub(crate) fn job_id(number: i64) -> Result<JobId> {
    JobId::new(number).map_err(|_| corrupt("job"))
}

pub(crate) fn spider_name(text: &str) -> Result<SpiderName> {
    SpiderName::parse(text).map_err(|_| corrupt("name"))
}

/// Tags as a column keeps them.
pub(crate) fn encode_tags(tags: &Tags) -> String {
    serde_json::Value::from_iter(tags.iter().map(|tag| tag.as_str())).to_string()
}

/// Back from [`encode_tags`].
pub(crate) fn decode_tags(text: &str) -> Result<Tags> {
    // Most jobs have none.
    if text == "[]" {
        return Ok(Tags::default());
    }
    let texts: Vec<String> = serde_json::from_str(text).map_err(|_| corrupt("tags"))?;
    Tags::parse(texts).map_err(|_| corrupt("tags"))
}

/// One row or none.
pub(crate) fn first<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Option<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row(parameters, read).optional()?)
}
