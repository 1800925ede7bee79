//! Rows of `job_tags` that no job has, or not there.

use rusqlite::{Row, named_params};

use super::{Check, job_subject};
use crate::error::Result;

/// A row of `job_tags`, and the numbers of the job that it names, if there is one.
struct TagRow {
    project: i64,
    tag: String,
    state: i64,
    position: i64,
    job: Option<(i64, i64)>,
}

impl TagRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let (spider, job): (Option<i64>, Option<i64>) = (row.get("spider")?, row.get("job")?);
        Ok(Self {
            project: row.get("project")?,
            tag: row.get("tag")?,
            state: row.get("state")?,
            position: row.get("position")?,
            job: spider.zip(job),
        })
    }
}

impl Check<'_> {
    pub(super) fn tags(&self) -> Result<()> {
        let delete = "DELETE FROM job_tags WHERE project = :project AND tag = :tag \
                      AND state = :state AND position = :position";
        for (subject, row) in self.wrong(include_str!("../sql/stray_tags.sql"), TagRow::read)? {
            let TagRow { project, tag, state, position, job } = row;
            let (subject, rest) = match job {
                Some((spider, job)) => {
                    (job_subject(project, spider, job), "where it does not belong")
                }
                None => (subject, "and there is no such job"),
            };
            let what = format!("is listed under tag {tag} at {position}, {rest}");
            let key = named_params! {
                ":project": project, ":tag": tag, ":state": state, ":position": position,
            };
            self.found_by(subject, what, delete, key)?;
        }
        Ok(())
    }
}
