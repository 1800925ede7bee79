//! The blocks of the jobs of a state (`job_blocks.rs`): each job is in one, and is counted there.

use rusqlite::Row;

use super::Check;
use crate::{error::Result, job_blocks::BLOCK};

/// Blocks that have another size than they should, and states whose first jobs are in none.
const WRONG: &str = "\
    WITH blocks AS (\
    SELECT project, state, first, jobs, \
    LEAD(first, 1, 9223372036854775807) OVER (PARTITION BY project, state ORDER BY first) AS next \
    FROM job_blocks) \
    SELECT project, COUNT(*) AS wrong FROM (\
    SELECT project FROM blocks WHERE jobs <> (\
    SELECT COUNT(*) FROM jobs INDEXED BY jobs_by_state WHERE jobs.project = blocks.project \
    AND jobs.state = blocks.state AND position >= first AND position < next) \
    UNION ALL SELECT project FROM (\
    SELECT project, state, MIN(position) AS lowest FROM jobs INDEXED BY jobs_by_state \
    GROUP BY project, state) AS jobs WHERE NOT EXISTS (\
    SELECT 1 FROM job_blocks WHERE job_blocks.project = jobs.project \
    AND job_blocks.state = jobs.state AND first <= lowest)) GROUP BY project";

impl Check<'_> {
    /// Blocks that differ from the jobs are made anew, all of the project.
    pub(super) fn job_blocks(&self) -> Result<()> {
        let read = |row: &Row<'_>| Ok((row.get("project")?, row.get("wrong")?));
        for (subject, (project, wrong)) in self.wrong(WRONG, read)? {
            let (project, wrong): (i64, i64) = (project, wrong);
            let what = format!("{wrong} of the blocks of its jobs are wrong");
            self.found(subject, what, |connection| {
                connection.execute("DELETE FROM job_blocks WHERE project = ?1", [project])?;
                let sql = "INSERT INTO job_blocks \
                           SELECT project, state, MIN(position), COUNT(*) FROM (\
                           SELECT project, state, position, (ROW_NUMBER() OVER (\
                           PARTITION BY state ORDER BY position) - 1) / ?2 AS block \
                           FROM jobs WHERE project = ?1) GROUP BY project, state, block";
                connection.execute(sql, [project, BLOCK])?;
                Ok(())
            })?;
        }
        Ok(())
    }
}
