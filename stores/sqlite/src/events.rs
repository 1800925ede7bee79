//! The log of a project's events: kept while somebody reads it, counted from the first time
//! that somebody did. Since numbers go on when nothing is kept, what a reader has missed
//! shows: the event after its last one is not there.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::error::Result;
use rusqlite::{Connection, Row, params};

use super::{
    error::corrupt,
    row::{self, first, int, job_id, spider_id, state, state_index},
};
use spiderq_core::{
    model::{JobKey, ProjectId, State},
    store::{Events, JobEvent, MAX_EVENTS},
};

/// How long a log is kept that nobody reads.
pub(super) const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// A project's log within an atomic step.
#[derive(Debug)]
pub(super) struct Log {
    project: ProjectId,
    /// Number of the last event.
    last: u64,
    kept: bool,
    changed: bool,
}

impl Log {
    /// As it stands; `None` when nobody ever read it.
    pub(super) fn load(connection: &Connection, project: ProjectId) -> Result<Option<Self>> {
        let sql = "SELECT last, kept FROM logs WHERE project = ?1";
        let read = |row: &Row<'_>| {
            Ok(Self {
                project,
                last: row.get::<_, i64>(0)?.cast_unsigned(),
                kept: row.get(1)?,
                changed: false,
            })
        };
        first(connection, sql, [int(project.get())], read)
    }

    /// Adds an event; `previous` is the state before it. One without a change of state is a
    /// request to stop.
    pub(super) fn add(
        &mut self,
        connection: &Connection,
        key: JobKey,
        previous: Option<State>,
        state: State,
    ) -> Result<()> {
        self.last += 1;
        self.changed = true;
        if !self.kept {
            return Ok(());
        }
        let mut statement =
            connection.prepare_cached("INSERT INTO events VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
        statement.execute(params![
            int(self.project.get()),
            int(self.last),
            int(key.spider.get()),
            int(key.job.get()),
            state_index(state),
            previous.map(state_index),
            previous == Some(state)
        ])?;
        Ok(())
    }

    /// Writes it back, and drops events that are too many.
    pub(super) fn save(&self, connection: &Connection) -> Result<()> {
        if !self.changed {
            return Ok(());
        }
        let project = int(self.project.get());
        let mut statement =
            connection.prepare_cached("UPDATE logs SET last = ?2 WHERE project = ?1")?;
        statement.execute(params![project, int(self.last)])?;
        if self.kept && self.last > MAX_EVENTS {
            let mut statement = connection
                .prepare_cached("DELETE FROM events WHERE project = ?1 AND number <= ?2")?;
            statement.execute(params![project, int(self.last - MAX_EVENTS)])?;
        }
        Ok(())
    }
}

/// Events after `after`; `None` when the log is not kept.
pub(super) fn read(
    connection: &Connection,
    project: ProjectId,
    after: Option<u64>,
    limit: usize,
) -> Result<Option<Events>> {
    let Some(log) = Log::load(connection, project)?.filter(|log| log.kept) else {
        return Ok(None);
    };
    let after = after.unwrap_or(log.last);
    if after > log.last {
        return Ok(Some(Events::Gone));
    }
    let mut events = Vec::new();
    if after < log.last {
        let sql = "SELECT number, spider, job, state, previous, stop FROM events \
                   WHERE project = ?1 AND number > ?2 ORDER BY number LIMIT ?3";
        let mut statement = connection.prepare_cached(sql)?;
        let key = params![int(project.get()), int(after), row::limit(limit)];
        let mut rows = statement.query(key)?;
        while let Some(row) = rows.next()? {
            events.push(event(project, row)?);
        }
        if events.first().is_none_or(|event| event.number != after + 1) {
            return Ok(Some(Events::Gone));
        }
    }
    let last = events.last().map_or(after, |event| event.number);
    Ok(Some(Events::These { events, last }))
}

/// Begins to keep the log, or goes on.
pub(super) fn begin(connection: &Connection, project: ProjectId) -> Result<()> {
    let sql = "INSERT INTO logs VALUES (?1, 0, 1) ON CONFLICT DO UPDATE SET kept = 1";
    connection.prepare_cached(sql)?.execute([int(project.get())])?;
    Ok(())
}

/// Keeps the log no more, and drops what it has.
pub(super) fn end(connection: &Connection, project: ProjectId) -> Result<()> {
    for sql in
        ["UPDATE logs SET kept = 0 WHERE project = ?1", "DELETE FROM events WHERE project = ?1"]
    {
        connection.prepare_cached(sql)?.execute([int(project.get())])?;
    }
    Ok(())
}

fn event(project: ProjectId, row: &Row<'_>) -> Result<JobEvent> {
    let previous: Option<i64> = row.get(4)?;
    Ok(JobEvent {
        number: row.get::<_, i64>(0)?.cast_unsigned(),
        key: JobKey { project, spider: spider_id(row.get(1)?)?, job: job_id(row.get(2)?)? },
        state: state(row.get(3)?)?,
        previous: previous.map(state).transpose()?,
        stop: row.get(5)?,
    })
}

/// When the logs that are kept were read last, on a clock of this process: after a restart
/// each has its full time again.
#[derive(Debug)]
pub(super) struct Reading {
    last: Mutex<HashMap<ProjectId, Instant>>,
    kept: Duration,
}

impl Reading {
    /// Of all logs that are kept in the store.
    pub(super) fn load(connection: &Connection, kept: Duration) -> Result<Self> {
        let mut statement = connection.prepare("SELECT project FROM logs WHERE kept = 1")?;
        let mut rows = statement.query([])?;
        let (mut last, now) = (HashMap::new(), Instant::now());
        while let Some(row) = rows.next()? {
            let project = ProjectId::new(row.get(0)?).map_err(|_| corrupt("project"))?;
            last.insert(project, now);
        }
        let last = Mutex::new(last);
        Ok(Self { last, kept })
    }

    /// The log is read now.
    pub(super) fn read(&self, project: ProjectId) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.insert(project, Instant::now());
    }

    /// Whether the log has its time behind it. Says so once, and again only after as long.
    pub(super) fn is_over(&self, project: ProjectId) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(last) = last.get_mut(&project) else {
            return false;
        };
        let over = last.elapsed() >= self.kept;
        if over {
            *last = Instant::now();
        }
        over
    }
}
