//! Limits of what runs at a time, read in the atomic step that would make more run. What
//! runs is counted from the index of running jobs, and only where there is a limit.

use crate::error::Result;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::row::{first, int};
use spiderq_core::{
    model::{Job, ProjectId, SpiderId, State, Units},
    store::{MAX_RUNNING, MAX_RUNNING_UNITS, RunningLimit},
};

/// Those of a project's settings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    project: ProjectId,
    running: Option<u64>,
    units: Option<u64>,
}

impl Limits {
    /// As the settings stand.
    pub(super) fn load(connection: &Connection, project: ProjectId) -> Result<Self> {
        Ok(Self {
            project,
            running: setting(connection, project, MAX_RUNNING)?,
            units: setting(connection, project, MAX_RUNNING_UNITS)?,
        })
    }

    /// Most units that all running jobs may have.
    pub(super) const fn units(&self) -> Option<u64> {
        self.units
    }

    /// Which of them does not allow so many more jobs and units.
    pub(super) fn exceeded_by(
        &self,
        connection: &Connection,
        jobs: u64,
        units: u64,
    ) -> Result<Option<RunningLimit>> {
        if self.running.is_none() && self.units.is_none() {
            return Ok(None);
        }
        let (running, in_all) = in_all(connection, self.project)?;
        let over = |before: u64, more, most: Option<u64>| {
            more > 0 && most.is_some_and(|most| before + more > most)
        };
        Ok(if over(running, jobs, self.running) {
            Some(RunningLimit::Running)
        } else if over(in_all, units, self.units) {
            Some(RunningLimit::Units)
        } else {
            None
        })
    }

    /// Which limit, the spider's too, does not allow one more job. A spider that has no number
    /// yet has no limit.
    pub(super) fn exceeded_by_one(
        &self,
        connection: &Connection,
        spider: Option<SpiderId>,
        units: Units,
    ) -> Result<Option<RunningLimit>> {
        let exceeded = self.exceeded_by(connection, 1, units.get().into())?;
        let full = |spider| is_full(connection, self.project, spider);
        if exceeded.is_none() && spider.map_or(Ok(false), full)? {
            return Ok(Some(RunningLimit::Spider));
        }
        Ok(exceeded)
    }

    /// Which limit does not allow a job to become so.
    pub(super) fn exceeded(
        &self,
        connection: &Connection,
        before: &Job,
        after: &Job,
    ) -> Result<Option<RunningLimit>> {
        if after.state != State::Running {
            return Ok(None);
        }
        if before.state != State::Running {
            return self.exceeded_by_one(connection, Some(after.key.spider), after.units);
        }
        let more = after.units.get().saturating_sub(before.units.get());
        if more == 0 {
            return Ok(None);
        }
        self.exceeded_by(connection, 0, more.into())
    }
}

/// Jobs that run, and their units.
pub(super) fn in_all(connection: &Connection, project: ProjectId) -> Result<(u64, u64)> {
    let mut statement = connection.prepare_cached(include_str!("sql/running.sql"))?;
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let (jobs, units): (i64, i64) = statement.query_row([int(project.get())], read)?;
    Ok((jobs.cast_unsigned(), units.cast_unsigned()))
}

/// Whether a spider runs as many jobs as it may.
pub(super) fn is_full(
    connection: &Connection,
    project: ProjectId,
    spider: SpiderId,
) -> Result<bool> {
    let mut statement = connection.prepare_cached(include_str!("sql/full_spider.sql"))?;
    let key = params![int(project.get()), int(spider.get())];
    let full = statement.query_row(key, |row| row.get(0)).optional()?;
    Ok(full.unwrap_or(false))
}

fn setting(connection: &Connection, project: ProjectId, name: &str) -> Result<Option<u64>> {
    let sql = "SELECT value FROM settings WHERE project = ?1 AND name = ?2";
    let key = params![int(project.get()), name];
    let value: Option<String> = first(connection, sql, key, |row| row.get(0))?;
    Ok(value.as_deref().and_then(decimal))
}

/// A whole number without sign or leading zeros. One that is out of range limits nothing.
fn decimal(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let plain = digits && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_whole_number_is_a_limit() {
        assert_eq!(decimal("0"), Some(0));
        assert_eq!(decimal("1000000"), Some(1_000_000));
        assert_eq!(decimal("18446744073709551615"), Some(u64::MAX));
        let none = [
            "",
            "00",
            "01",
            "-1",
            "+1",
            "1.0",
            "1e3",
            "\"1\"",
            "null",
            " 1",
            "18446744073709551616",
        ];
        assert_eq!(none.map(decimal), [None; 11]);
    }
}
