//! Rows of tags that no job has, or not there.

use crate::error::Result;
use rusqlite::params;

use super::{Check, job_subject};

/// A row of the table, and the job that it names, if any.
type TagRow = (i64, String, i64, i64, Option<i64>, Option<i64>);

impl Check<'_> {
    pub(super) fn tags(&mut self) -> Result<()> {
        self.step(|check| {
            let rows = check.wrong(include_str!("../sql/stray_tags.sql"), |row| {
                Ok::<TagRow, _>((
                    row.get(0)?,
                    row.get(1)?,
                    row.get(2)?,
                    row.get(3)?,
                    row.get(4)?,
                    row.get(5)?,
                ))
            })?;
            for (project, (number, tag, state, position, spider, job)) in rows {
                let (subject, rest) = match (spider, job) {
                    (Some(spider), Some(job)) => {
                        (job_subject(number, spider, job), "where it does not belong")
                    }
                    _ => (project, "and there is no such job"),
                };
                let what = format!("is listed under tag {tag} at {position}, {rest}");
                check.found(subject, what, |connection| {
                    let sql = "DELETE FROM job_tags \
                               WHERE project = ?1 AND tag = ?2 AND state = ?3 AND position = ?4";
                    connection.execute(sql, params![number, tag, state, position])?;
                    Ok(())
                })?;
            }
            Ok(())
        })
    }
}
