//! Job records: each is read whole, and held against its tags' rows, its unique key and when
//! it is due.

use crate::error::Result;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    super::{
        due,
        row::{StoredJob, int, state_index},
    },
    Check, job_subject,
};
use spiderq_core::{
    model::{FieldSelection, Millis, State},
    store::{CheckProgress, Subject},
};

/// Jobs of one transaction.
const PART: i64 = 500;
/// How late a job may be due that was postponed, ms.
const POSTPONED: u64 = 3_600_000;

/// A row and the numbers of its key.
type Numbers = (i64, i64, i64, i64);

impl Check<'_> {
    /// All jobs of the scope.
    pub(super) fn jobs(&mut self) -> Result<()> {
        let mut after = i64::MIN;
        loop {
            let last = self.step(|check| check.part(after))?;
            self.tell(CheckProgress::Jobs(self.checked.jobs));
            match last {
                Some(last) => after = last,
                None => return Ok(()),
            }
        }
    }

    /// Some jobs after a row; the last of them.
    fn part(&mut self, after: i64) -> Result<Option<i64>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, project, spider, job FROM jobs WHERE id > ?1 ORDER BY id LIMIT ?2",
        )?;
        let rows = statement.query_map([after, PART], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?;
        let rows: Vec<Numbers> = rows.collect::<rusqlite::Result<_>>()?;
        let sql = "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)";
        let now: i64 = self.connection.query_row(sql, [], |row| row.get(0))?;
        for row in &rows {
            if self.project(row.1).is_some() {
                self.checked.jobs += 1;
                self.job(*row, Millis(now.cast_unsigned() + POSTPONED))?;
            }
        }
        Ok(rows.last().map(|row| row.0))
    }

    fn job(&self, (id, project, spider, job): Numbers, latest: Millis) -> Result<()> {
        let subject = job_subject(project, spider, job);
        match StoredJob::by_id(self.connection, id, &FieldSelection::Full) {
            Ok(stored) => {
                self.tags_of(subject, &stored)?;
                self.unique_of(subject, &stored)?;
                self.bytes_of(subject, &stored)?;
                self.due_of(subject, &stored, latest)
            }
            Err(error) => {
                let error = spiderq_core::error::Error::from(error);
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                let why = cause.unwrap_or_else(|| error.to_string());
                let what = format!("has a record that cannot be read: {why}");
                self.found(subject, what, |connection| set_aside(connection, id))
            }
        }
    }

    fn tags_of(&self, subject: Subject, stored: &StoredJob) -> Result<()> {
        let job = &stored.job;
        let mut look = self.connection.prepare_cached(
            "SELECT spider, id FROM job_tags \
             WHERE project = ?1 AND tag = ?2 AND state = ?3 AND position = ?4",
        )?;
        for tag in job.tags.iter() {
            let project = int(job.key.project.get());
            let (state, position) = (state_index(job.state), int(job.position.0));
            let row = look
                .query_row(params![project, tag.as_str(), state, position], |row| {
                    Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
                })
                .optional()?;
            let right = (int(job.key.spider.get()), stored.id);
            if row == Some(right) {
                continue;
            }
            let what = format!("is not listed under tag {}", tag.as_str());
            self.found(subject, what, |connection| {
                let sql = "INSERT OR REPLACE INTO job_tags VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
                let row = params![project, tag.as_str(), state, position, right.0, right.1];
                connection.execute(sql, row)?;
                Ok(())
            })?;
        }
        Ok(())
    }

    fn unique_of(&self, subject: Subject, stored: &StoredJob) -> Result<()> {
        let active = matches!(stored.job.state, State::Pending | State::Running);
        if stored.unique.is_none() || active {
            return Ok(());
        }
        self.found(subject, "is done and holds a unique key", |connection| {
            let sql = "UPDATE jobs SET unique_key = NULL WHERE id = ?1";
            connection.execute(sql, [stored.id])?;
            Ok(())
        })
    }

    fn bytes_of(&self, subject: Subject, stored: &StoredJob) -> Result<()> {
        let bytes = stored.job.metadata.bytes() as u64;
        let done = matches!(stored.job.state, State::Finished | State::Deleted);
        if !done || stored.bytes == bytes {
            return Ok(());
        }
        let what = format!("has {bytes} bytes of metadata, not {}", stored.bytes);
        self.found(subject, what, |connection| {
            let sql = "UPDATE jobs SET bytes = ?2 WHERE id = ?1";
            connection.execute(sql, params![stored.id, int(bytes)])?;
            Ok(())
        })
    }

    /// A later time than its own is that of a job that was postponed.
    fn due_of(&self, subject: Subject, stored: &StoredJob, latest: Millis) -> Result<()> {
        let right = due::by_itself(stored);
        let good = match (stored.due, right) {
            (Some(due), Some(right)) => due >= right && due <= latest.max(right),
            (due, right) => due == right,
        };
        if good {
            return Ok(());
        }
        let text = |due: Option<Millis>| match due {
            Some(due) => format!("due at {}", due.0),
            None => "never due".to_owned(),
        };
        let what = format!("is {}, and should be {}", text(stored.due), text(right));
        self.found(subject, what, |connection| {
            let sql = "UPDATE jobs SET due = ?2 WHERE id = ?1";
            let right = right.map(|due| int(due.0));
            connection.execute(sql, params![stored.id, right])?;
            Ok(())
        })
    }
}

/// Takes a row out of the table and keeps it as the statement that puts it back.
fn set_aside(connection: &Connection, id: i64) -> Result<()> {
    connection.execute_batch(include_str!("../sql/set_aside.sql"))?;
    let mut names = connection.prepare("SELECT name FROM pragma_table_info('jobs')")?;
    let names = names.query_map([], |row| row.get::<_, String>(0))?;
    let names: Vec<String> = names.collect::<rusqlite::Result<_>>()?;
    let values: Vec<String> = names.iter().map(|name| format!("quote({name})")).collect();
    let (names, values) = (names.join(", "), values.join(" || ', ' || "));
    let sql = format!(
        "INSERT INTO set_aside SELECT project, spider, job, \
         'INSERT INTO jobs ({names}) VALUES (' || {values} || ');' FROM jobs WHERE id = ?1"
    );
    connection.execute(&sql, [id])?;
    connection.execute("DELETE FROM job_tags WHERE id = ?1", [id])?;
    connection.execute("DELETE FROM jobs WHERE id = ?1", [id])?;
    Ok(())
}
