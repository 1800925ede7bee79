//! Jobs: each is read whole, and held against the rows of its tags, its unique key, what repeats
//! its metadata, and when it is due.

use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};
use spiderq_compression::Unreadable;
use spiderq_core::{
    effect::StoredJob,
    error::Error,
    model::{FieldSelection, Millis, State},
    store::{CheckProgress, Subject},
};

use super::{Check, job_subject};
use crate::{
    error::Result,
    job_row::{JobRow, int, state_index},
};

/// Jobs of one transaction: few enough that no writer waits long.
const JOBS_PER_STEP: i64 = 500;
/// How much later than now a job may be due that was postponed, in ms.
const MAX_POSTPONED: u64 = 3_600_000;

/// A row and the numbers of its key.
struct Numbers {
    id: i64,
    project: i64,
    spider: i64,
    job: i64,
}

impl Check<'_> {
    /// All jobs of the scope.
    pub(super) fn jobs(&mut self) -> Result<()> {
        let mut after = Some(i64::MIN);
        while let Some(last) = after {
            after = self.step(|check| check.jobs_after(last))?;
            self.report(CheckProgress::Jobs(self.summary.jobs));
        }
        Ok(())
    }

    /// Some jobs after a row; the last of them.
    fn jobs_after(&mut self, id: i64) -> Result<Option<i64>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, project, spider, job FROM jobs WHERE id > ?1 ORDER BY id LIMIT ?2",
        )?;
        let read = |row: &Row<'_>| {
            let (id, project) = (row.get("id")?, row.get("project")?);
            Ok(Numbers { id, project, spider: row.get("spider")?, job: row.get("job")? })
        };
        let rows = statement.query_map([id, JOBS_PER_STEP], read)?;
        let rows: Vec<Numbers> = rows.collect::<rusqlite::Result<_>>()?;
        let sql = "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)";
        let now: i64 = self.connection.query_row(sql, [], |row| row.get(0))?;
        for row in &rows {
            if self.project(row.project).is_some() {
                self.summary.jobs += 1;
                self.job(row, Millis(now.cast_unsigned() + MAX_POSTPONED))?;
            }
        }
        Ok(rows.last().map(|row| row.id))
    }

    fn job(&self, row: &Numbers, latest_due: Millis) -> Result<()> {
        let subject = job_subject(row.project, row.spider, row.job);
        match JobRow::by_id(self.connection, row.id, &FieldSelection::Full) {
            Ok(JobRow { id, stored }) => {
                self.tags_of(subject, id, &stored)?;
                self.unique_of(subject, id, &stored)?;
                self.derived_of(subject, id, stored.clone())?;
                self.due_of(subject, id, &stored, latest_due)
            }
            Err(error) => {
                let error = Error::from(error);
                let what = format!("has a record that cannot be read: {}", cause(&error));
                if is_of_newer_version(&error) {
                    self.report_finding(subject, what, false);
                    return Ok(());
                }
                self.found(subject, what, |connection| set_aside(connection, row.id))
            }
        }
    }

    fn tags_of(&self, subject: Subject, id: i64, stored: &StoredJob) -> Result<()> {
        let job = &stored.job;
        let key_of = (int(job.key.project.get()), state_index(job.state), int(job.position.0));
        let (project, state, position) = key_of;
        let right = (int(job.key.spider.get()), id);
        for tag in job.tags.iter() {
            let tag = tag.as_str();
            let sql = "SELECT spider, id FROM job_tags \
                       WHERE project = ?1 AND tag = ?2 AND state = ?3 AND position = ?4";
            let mut look = self.connection.prepare_cached(sql)?;
            let read = |row: &Row<'_>| Ok((row.get("spider")?, row.get("id")?));
            let found = look.query_row(params![project, tag, state, position], read).optional()?;
            if found == Some(right) {
                continue;
            }
            let sql = "INSERT OR REPLACE INTO job_tags (project, tag, state, position, spider, id) \
                       VALUES (:project, :tag, :state, :position, :spider, :id)";
            let row = named_params! {
                ":project": project, ":tag": tag, ":state": state, ":position": position,
                ":spider": right.0, ":id": right.1,
            };
            self.found_by(subject, format!("is not listed under tag {tag}"), sql, row)?;
        }
        Ok(())
    }

    fn unique_of(&self, subject: Subject, id: i64, stored: &StoredJob) -> Result<()> {
        let active = matches!(stored.job.state, State::Pending | State::Running);
        if stored.unique.is_none() || active {
            return Ok(());
        }
        let sql = "UPDATE jobs SET unique_key = NULL WHERE id = ?1";
        self.found_by(subject, "is done and holds a unique key", sql, [id])
    }

    /// What repeats the metadata.
    fn derived_of(&self, subject: Subject, id: i64, stored: StoredJob) -> Result<()> {
        let right = stored.clone().with_derived();
        let (bytes, stop) = (right.metadata_bytes, right.stop_requested);
        if stored.metadata_bytes != bytes {
            let what = format!("has {bytes} bytes of metadata, not {}", stored.metadata_bytes);
            let sql = "UPDATE jobs SET metadata_bytes = ?2 WHERE id = ?1";
            self.found_by(subject, what, sql, params![id, int(bytes)])?;
        }
        if stored.stop_requested != stop {
            let what = if stop { "is" } else { "is not" };
            let what = format!("{what} asked to stop, and its row says otherwise");
            let sql = "UPDATE jobs SET stop_requested = ?2 WHERE id = ?1";
            self.found_by(subject, what, sql, params![id, stop])?;
        }
        Ok(())
    }

    /// A later time than its own is that of a job that was postponed.
    fn due_of(&self, subject: Subject, id: i64, stored: &StoredJob, latest: Millis) -> Result<()> {
        let right = stored.own_due();
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
        let sql = "UPDATE jobs SET due = ?2 WHERE id = ?1";
        self.found_by(subject, what, sql, params![id, right.map(|due| int(due.0))])
    }
}

/// What the log would say of the error, without its outer text.
fn cause(error: &Error) -> String {
    error.cause().unwrap_or_else(|| error.to_string())
}

/// Whether a newer version of the program can read what this one cannot.
fn is_of_newer_version(error: &Error) -> bool {
    let Error::JobDamaged { source, .. } = error else { return false };
    matches!(source.downcast_ref(), Some(Unreadable::NewerVersion(_)))
}

/// Takes a row out of the table and keeps it as the statement that puts it back.
fn set_aside(connection: &Connection, id: i64) -> Result<()> {
    connection.execute_batch(include_str!("../sql/set_aside.sql"))?;
    let mut names = connection.prepare("SELECT name FROM pragma_table_info('jobs')")?;
    let names = names.query_map([], |row| row.get::<_, String>("name"))?;
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
