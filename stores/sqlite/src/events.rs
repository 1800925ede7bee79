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
    limits::MAX_EVENTS,
    model::{JobKey, ProjectId},
    store::{Events, JobEvent},
};

use crate::{
    error::Result,
    job_row::{self, first, int, job_id, project_id, spider_id, state, state_index},
};

/// A project's event log within an atomic step.
#[derive(Debug)]
pub(crate) struct EventLog {
    project: ProjectId,
    /// Number of the last event.
    last: u64,
    kept: bool,
    changed: bool,
}

impl EventLog {
    /// As it stands; `None` when nobody ever read it.
    pub(crate) fn load(connection: &Connection, project: ProjectId) -> Result<Option<Self>> {
        let sql = "SELECT last, kept FROM event_logs WHERE project = ?1";
        let read = |row: &Row<'_>| {
            let last = row.get::<_, i64>("last")?.cast_unsigned();
            Ok(Self { project, last, kept: row.get("kept")?, changed: false })
        };
        first(connection, sql, [int(project.get())], read)
    }

    /// Adds an event; one that is not kept is counted all the same.
    pub(crate) fn add(&mut self, connection: &Connection, event: NewEvent) -> Result<()> {
        self.last += 1;
        self.changed = true;
        if !self.kept {
            return Ok(());
        }
        let mut statement = connection.prepare_cached(include_str!("sql/insert_event.sql"))?;
        statement.execute(named_params! {
            ":project": int(self.project.get()),
            ":number": int(self.last),
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
        let sql = "UPDATE event_logs SET last = ?2 WHERE project = ?1";
        connection.prepare_cached(sql)?.execute(params![project, int(self.last)])?;
        if self.kept && self.last > MAX_EVENTS {
            let sql = "DELETE FROM events WHERE project = ?1 AND number <= ?2";
            let last_dropped = int(self.last - MAX_EVENTS);
            connection.prepare_cached(sql)?.execute(params![project, last_dropped])?;
        }
        Ok(())
    }
}

/// Events after the one with number `after`; `None` when the event log is not kept.
pub(crate) fn read(
    connection: &Connection,
    project: ProjectId,
    after: Option<u64>,
    limit: usize,
) -> Result<Option<Events>> {
    let Some(log) = EventLog::load(connection, project)?.filter(|log| log.kept) else {
        return Ok(None);
    };
    let after = after.unwrap_or(log.last);
    if after > log.last {
        return Ok(Some(Events::Gone));
    }
    let mut events = Vec::new();
    if after < log.last {
        events = read_after(connection, project, after, limit)?;
        if events.first().is_none_or(|event| event.number != after + 1) {
            return Ok(Some(Events::Gone));
        }
    }
    let last = events.last().map_or(after, |event| event.number);
    Ok(Some(Events::These { events, last }))
}

fn read_after(
    connection: &Connection,
    project: ProjectId,
    after: u64,
    limit: usize,
) -> Result<Vec<JobEvent>> {
    let sql = "SELECT * FROM events WHERE project = ?1 AND number > ?2 ORDER BY number LIMIT ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let key = params![int(project.get()), int(after), job_row::limit(limit)];
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
        number: row.get::<_, i64>("number")?.cast_unsigned(),
        key: JobKey { project, spider, job },
        state: state(row.get("state")?)?,
        previous: previous.map(state).transpose()?,
        stop: row.get("stop")?,
    })
}

/// Begins to keep the event log, or goes on.
pub(crate) fn begin(connection: &Connection, project: ProjectId) -> Result<()> {
    let sql = "INSERT INTO event_logs (project, last, kept) VALUES (?1, 0, 1) \
               ON CONFLICT DO UPDATE SET kept = 1";
    connection.prepare_cached(sql)?.execute([int(project.get())])?;
    Ok(())
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
