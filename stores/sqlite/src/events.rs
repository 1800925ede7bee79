//! The event log of a project: kept while somebody reads it, and counted from the first time that
//! somebody did. Since numbers go on when nothing is kept, what a reader has missed shows: the
//! event after its last one is not there.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use rusqlite::{Connection, Row, named_params, params};
use spiderq_core::{
    effect::NewEvent,
    error::Error,
    limits::MAX_EVENTS,
    model::{JobKey, ProjectId},
    store::{EventCursor, Events, JobEvent},
};

use crate::{
    awaited,
    error::Result,
    job_row::{self, first, int, job_id, project_id, spider_id, state, state_index},
};

/// A project's event log within an atomic step.
#[derive(Debug)]
pub(crate) struct EventLog {
    project: ProjectId,
    /// That of the last event.
    last: EventCursor,
    kept: bool,
    changed: bool,
    /// It has its row: not yet of a project that is just coming into being.
    stored: bool,
    /// Of the events of this step.
    stamp: u64,
}

impl EventLog {
    /// As it stands; `None` when nobody ever read it.
    pub(crate) fn load(connection: &Connection, project: ProjectId) -> Result<Option<Self>> {
        let sql = "SELECT last AS number, stamp, kept FROM event_logs WHERE project = ?1";
        let stamp = EventCursor::random_stamp()?;
        let read = |row: &Row<'_>| {
            let (last, kept) = (cursor(row)?, row.get("kept")?);
            Ok(Self { project, last, kept, changed: false, stored: true, stamp })
        };
        first(connection, sql, [int(project.get())], read)
    }

    /// The same within a step of the writer. Of a project that was watched before it existed it
    /// begins with the first event.
    pub(crate) fn load_to_write(
        connection: &Connection,
        project: ProjectId,
    ) -> Result<Option<Self>> {
        let log = Self::load(connection, project)?;
        if log.is_some() {
            return Ok(log);
        }
        let Some(stamp) = awaited::stamp(connection, project)? else {
            return Ok(None);
        };
        let (last, stamp) = (EventCursor { number: 0, stamp }, EventCursor::random_stamp()?);
        Ok(Some(Self { project, last, kept: true, changed: false, stored: false, stamp }))
    }

    /// Adds an event; one that is not kept is counted all the same.
    pub(crate) fn add(&mut self, connection: &Connection, event: NewEvent) -> Result<()> {
        if !self.stored {
            begin(connection, self.project)?;
            self.stored = true;
        }
        self.last = EventCursor { number: self.last.number + 1, stamp: self.stamp };
        self.changed = true;
        if !self.kept {
            return Ok(());
        }
        let mut statement = connection.prepare_cached(include_str!("sql/insert_event.sql"))?;
        statement.execute(named_params! {
            ":project": int(self.project.get()),
            ":number": int(self.last.number),
            ":stamp": int(self.last.stamp),
            ":spider": int(event.key.spider.get()),
            ":job": int(event.key.job.get()),
            ":state": state_index(event.state),
            ":previous": event.previous.map(state_index),
            ":stop": event.is_stop(),
        })?;
        Ok(())
    }

    /// Writes it back, and drops events that are too many.
    pub(crate) fn save(&self, connection: &Connection) -> Result<()> {
        if !self.changed {
            return Ok(());
        }
        let project = int(self.project.get());
        let EventCursor { number, stamp } = self.last;
        let sql = "UPDATE event_logs SET last = ?2, stamp = ?3 WHERE project = ?1";
        connection.prepare_cached(sql)?.execute(params![project, int(number), int(stamp)])?;
        if self.kept && number > MAX_EVENTS {
            let sql = "DELETE FROM events WHERE project = ?1 AND number <= ?2";
            let last_dropped = int(number - MAX_EVENTS);
            connection.prepare_cached(sql)?.execute(params![project, last_dropped])?;
        }
        Ok(())
    }
}

/// Events after the one at `after`; `None` when the event log is not kept, or has yet to begin.
pub(crate) fn read(
    connection: &Connection,
    project: ProjectId,
    after: Option<EventCursor>,
    limit: usize,
) -> Result<Option<Events>> {
    if EventLog::load(connection, project)?.is_none_or(|log| !log.kept) {
        return Ok(None);
    }
    let key = int(project.get());
    let after = match after {
        Some(after) => {
            // Its own row shows that the reader knows this history.
            let sql = "SELECT number, stamp FROM events WHERE project = ?1 AND number = ?2";
            let found = first(connection, sql, params![key, int(after.number)], cursor)?;
            found.filter(|found| *found == after)
        }
        None => {
            let sql = "SELECT number, stamp FROM events WHERE project = ?1 \
                       ORDER BY number DESC LIMIT 1";
            let Some(last) = first(connection, sql, [key], cursor)? else {
                return Ok(None);
            };
            Some(last)
        }
    };
    let Some(after) = after else {
        return Ok(Some(Events::Gone));
    };
    let events = read_after(connection, project, after.number, limit)?;
    let last = events.last().map_or(after, |event| event.cursor);
    Ok(Some(Events::These { events, last }))
}

fn cursor(row: &Row<'_>) -> rusqlite::Result<EventCursor> {
    let number = |column| Ok::<_, rusqlite::Error>(row.get::<_, i64>(column)?.cast_unsigned());
    Ok(EventCursor { number: number("number")?, stamp: number("stamp")? })
}

fn read_after(
    connection: &Connection,
    project: ProjectId,
    number: u64,
    limit: usize,
) -> Result<Vec<JobEvent>> {
    let sql = "SELECT * FROM events WHERE project = ?1 AND number > ?2 ORDER BY number LIMIT ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let key = params![int(project.get()), int(number), job_row::limit(limit)];
    let mut rows = statement.query(key)?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        events.push(event(project, row)?);
    }
    Ok(events)
}

fn event(project: ProjectId, row: &Row<'_>) -> Result<JobEvent> {
    let previous: Option<i64> = row.get("previous")?;
    let (spider, job) = (spider_id(row.get("spider")?)?, job_id(row.get("job")?)?);
    Ok(JobEvent {
        cursor: cursor(row)?,
        key: JobKey { project, spider, job },
        state: state(row.get("state")?)?,
        previous: previous.map(state).transpose()?,
        stop: row.get("stop")?,
    })
}

/// Begins to keep the event log, with a row for the place where it begins: the one that whoever
/// waited for the project knows.
fn begin(connection: &Connection, project: ProjectId) -> Result<()> {
    let stamp = awaited_stamp(connection, project)?;
    awaited::forget(connection, project)?;
    let project = int(project.get());
    let sql = "INSERT INTO event_logs (project, last, kept, stamp) VALUES (?1, 0, 1, ?2) \
               ON CONFLICT DO UPDATE SET kept = 1";
    connection.prepare_cached(sql)?.execute(params![project, int(stamp)])?;
    connection.prepare_cached(include_str!("sql/begin_event_log.sql"))?.execute([project])?;
    Ok(())
}

/// A new one, unless somebody waits for the project.
fn awaited_stamp(connection: &Connection, project: ProjectId) -> Result<u64> {
    match awaited::stamp(connection, project)? {
        Some(stamp) => Ok(stamp),
        None => Ok(EventCursor::random_stamp()?),
    }
}

/// As [`read`], of an event log that is not kept; whether it is kept now. That of a project that
/// does not exist begins with the project, and has no row until then.
pub(crate) fn begin_and_read(
    connection: &Connection,
    project: ProjectId,
    after: Option<EventCursor>,
    limit: usize,
) -> Result<(Events, bool)> {
    // Files of before have event logs of projects that do not exist.
    let sql = "SELECT 1 FROM projects WHERE project = ?1 \
               UNION ALL SELECT 1 FROM event_logs WHERE project = ?1";
    if first(connection, sql, [int(project.get())], |_| Ok(()))?.is_some() {
        begin(connection, project)?;
        let events = read(connection, project, after, limit)?;
        return Ok((events.ok_or_else(|| Error::bug("an event log did not begin"))?, true));
    }
    let here = EventCursor { number: 0, stamp: awaited_stamp(connection, project)? };
    if after.is_some_and(|after| after != here) {
        return Ok((Events::Gone, false));
    }
    awaited::add(connection, project, here.stamp)?;
    Ok((Events::These { events: Vec::new(), last: here }, false))
}

/// Keeps the event log no more, and drops what it has.
pub(crate) fn end(connection: &Connection, project: ProjectId) -> Result<()> {
    for sql in [
        "UPDATE event_logs SET kept = 0 WHERE project = ?1",
        "DELETE FROM events WHERE project = ?1",
    ] {
        connection.prepare_cached(sql)?.execute([int(project.get())])?;
    }
    Ok(())
}

/// When each event log that is kept was read last, on a clock of this process: after a restart
/// each has its full time again.
#[derive(Debug)]
pub(crate) struct LastReads {
    reads: Mutex<HashMap<ProjectId, Instant>>,
    timeout: Duration,
}

impl LastReads {
    /// Of all event logs that are kept in the store; each ends when nobody reads it for `timeout`.
    pub(crate) fn load(connection: &Connection, timeout: Duration) -> Result<Self> {
        let mut statement = connection.prepare("SELECT project FROM event_logs WHERE kept = 1")?;
        let mut rows = statement.query([])?;
        let (mut reads, now) = (HashMap::new(), Instant::now());
        while let Some(row) = rows.next()? {
            reads.insert(project_id(row.get("project")?)?, now);
        }
        Ok(Self { reads: Mutex::new(reads), timeout })
    }

    pub(crate) fn read_now(&self, project: ProjectId) {
        self.reads().insert(project, Instant::now());
    }

    /// Whether nobody has read the event log for so long that it ends. Says so once, and again
    /// only after as long.
    pub(crate) fn is_over(&self, project: ProjectId) -> bool {
        let mut reads = self.reads();
        let Some(last) = reads.get_mut(&project) else {
            return false;
        };
        let over = last.elapsed() >= self.timeout;
        if over {
            *last = Instant::now();
        }
        over
    }

    fn reads(&self) -> MutexGuard<'_, HashMap<ProjectId, Instant>> {
        self.reads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
