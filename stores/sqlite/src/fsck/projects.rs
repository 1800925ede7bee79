//! What a project and a spider have once: names, the last numbers given, sums, and the answers
//! that are kept for request ids.

use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, named_params, params};
use spiderq_core::{model::State, store::Subject};

use super::Check;
use crate::{
    error::Result,
    job_row::{decode_tags, spider_name, state_index},
};

/// Columns of `projects` that are sums over jobs in a state, and what they count.
const SUMS: [(&str, &str, State, &str); 4] = [
    ("finished_jobs", "count(*)", State::Finished, "the finished jobs"),
    ("finished_bytes", "sum(metadata_bytes)", State::Finished, "the bytes of the finished jobs"),
    ("deleted_jobs", "count(*)", State::Deleted, "the deleted jobs"),
    ("deleted_bytes", "sum(metadata_bytes)", State::Deleted, "the bytes of the deleted jobs"),
];

/// What the rows of `job_counts` must be. Tags are read from the jobs.
const JOB_COUNTS: &str = "\
    SELECT project, 0 AS spider, '' AS tag, state, COUNT(*) AS jobs FROM jobs \
    GROUP BY project, state \
    UNION ALL SELECT project, spider, '', state, COUNT(*) FROM jobs \
    GROUP BY project, spider, state \
    UNION ALL SELECT project, 0, value, state, COUNT(*) FROM jobs, \
    json_each(CASE WHEN json_valid(tags) THEN tags ELSE '[]' END) \
    GROUP BY project, value, state";

/// A number that must be no less than the highest one in use, or one would be given twice.
struct LastNumber {
    /// Rows with one that is too low: `project`, `spider` (0: of the project), `least`.
    wrong: &'static str,
    what: &'static str,
    /// Raises it to `:least`.
    mend: &'static str,
}

const LAST_NUMBERS: [LastNumber; 4] = [
    LastNumber {
        wrong: "SELECT project, 0 AS spider, (SELECT MAX(position) FROM jobs \
                WHERE jobs.project = projects.project) AS least \
                FROM projects WHERE last_position < least",
        what: "the last position is below that of a job",
        mend: "UPDATE projects SET last_position = :least WHERE project = :project",
    },
    LastNumber {
        wrong: "SELECT project, 0 AS spider, (SELECT MAX(spider) FROM spiders \
                WHERE spiders.project = projects.project) AS least \
                FROM projects WHERE last_spider < least",
        what: "the last spider number is below one given",
        mend: "UPDATE projects SET last_spider = :least WHERE project = :project",
    },
    LastNumber {
        wrong: "SELECT project, spider, (SELECT MAX(job) FROM jobs \
                WHERE jobs.project = spiders.project AND jobs.spider = spiders.spider) AS least \
                FROM spiders WHERE last_job < least",
        what: "the last job number of spider {spider} is below that of a job",
        mend: "UPDATE spiders SET last_job = :least WHERE project = :project AND spider = :spider",
    },
    LastNumber {
        wrong: "SELECT project, 0 AS spider, (SELECT MAX(number) FROM events \
                WHERE events.project = event_logs.project) AS least \
                FROM event_logs WHERE last < least",
        what: "the number of the last event is below that of one kept",
        mend: "UPDATE event_logs SET last = :least, stamp = (SELECT stamp FROM events \
               WHERE events.project = :project AND number = :least) WHERE project = :project",
    },
];

impl Check<'_> {
    /// Spiders that jobs are of and that have no row.
    pub(super) fn unnamed_spiders(&self) -> Result<()> {
        let sql = "SELECT project, spider, MAX(job) AS last FROM jobs WHERE NOT EXISTS (\
                   SELECT 1 FROM spiders WHERE spiders.project = jobs.project \
                   AND spiders.spider = jobs.spider) GROUP BY project, spider";
        let read = |row: &Row<'_>| Ok((row.get("project")?, row.get("spider")?, row.get("last")?));
        for (subject, (project, spider, last)) in self.wrong(sql, read)? {
            let _: i64 = last;
            self.found(subject, format!("spider {spider} has no name"), |connection| {
                let name = free_name(connection, project, spider)?;
                let sql = "INSERT INTO spiders (project, spider, name, last_job) \
                           VALUES (?1, ?2, ?3, ?4)";
                connection.execute(sql, params![project, spider, name, last])?;
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Names and default tags of spiders.
    pub(super) fn spiders(&self) -> Result<()> {
        let sql = "SELECT project, spider, name, default_tags FROM spiders";
        let read = |row: &Row<'_>| {
            let texts: (String, String) = (row.get("name")?, row.get("default_tags")?);
            Ok((row.get("project")?, row.get("spider")?, texts))
        };
        for (subject, (project, spider, (name, tags))) in self.wrong(sql, read)? {
            if spider_name(&name).is_err() {
                let what = format!("spider {spider} has an invalid name: {name:?}");
                self.found(subject, what, |connection| {
                    let name = free_name(connection, project, spider)?;
                    let sql = "UPDATE spiders SET name = ?3 WHERE project = ?1 AND spider = ?2";
                    connection.execute(sql, params![project, spider, name])?;
                    Ok(())
                })?;
            }
            if decode_tags(&tags).is_err() {
                let what = format!("spider {spider} has invalid default tags: {tags:?}");
                let sql = "UPDATE spiders SET default_tags = '[]' \
                           WHERE project = ?1 AND spider = ?2";
                self.found_by(subject, what, sql, [project, spider])?;
            }
        }
        Ok(())
    }

    pub(super) fn unlisted_projects(&self) -> Result<()> {
        let sql = "SELECT project FROM (SELECT project FROM jobs \
                   UNION SELECT project FROM spiders UNION SELECT project FROM settings) \
                   WHERE project NOT IN (SELECT project FROM projects)";
        let mend = "INSERT INTO projects (project, last_position, last_spider) VALUES (?1, \
                    COALESCE((SELECT MAX(position) FROM jobs WHERE project = ?1), 0), \
                    COALESCE((SELECT MAX(spider) FROM spiders WHERE project = ?1), 0))";
        for (subject, project) in self.wrong(sql, |row| row.get::<_, i64>("project"))? {
            self.found_by(subject, "is not in the list of projects", mend, [project])?;
        }
        Ok(())
    }

    pub(super) fn last_numbers(&self) -> Result<()> {
        for LastNumber { wrong, what, mend } in &LAST_NUMBERS {
            let read = |row: &Row<'_>| {
                let (project, spider, least) =
                    (row.get("project")?, row.get("spider")?, row.get("least")?);
                Ok::<(i64, i64, i64), _>((project, spider, least))
            };
            for (subject, (project, spider, least)) in self.wrong(wrong, read)? {
                let what = what.replace("{spider}", &spider.to_string());
                let all: &[(&str, &dyn ToSql)] =
                    named_params! { ":project": project, ":spider": spider, ":least": least };
                // A statement takes no parameter that it does not name.
                let mut named = all.to_vec();
                named.retain(|(name, _)| mend.contains(name));
                self.found_by(subject, what, mend, &*named)?;
            }
        }
        Ok(())
    }

    pub(super) fn sums(&self) -> Result<()> {
        for (column, sum, state, text) in SUMS {
            let state = state_index(state);
            let sql = format!(
                "SELECT project, {column} AS counted, (SELECT coalesce({sum}, 0) FROM jobs \
                 WHERE jobs.project = projects.project AND state = {state}) AS truth \
                 FROM projects WHERE counted <> truth"
            );
            let read =
                |row: &Row<'_>| Ok((row.get("project")?, row.get("counted")?, row.get("truth")?));
            for (subject, (project, counted, truth)) in self.wrong(&sql, read)? {
                let _: (i64, i64, i64) = (project, counted, truth);
                let what = format!("{text} are {truth}, not {counted}");
                let mend = format!("UPDATE projects SET {column} = ?2 WHERE project = ?1");
                self.found_by(subject, what, &mend, [project, truth])?;
            }
        }
        Ok(())
    }

    /// The counts by state, spider and tag (`job_counts.rs`).
    pub(super) fn job_counts(&self) -> Result<()> {
        let wrong = format!(
            "SELECT project, COUNT(*) AS wrong FROM (\
             SELECT project FROM (SELECT project, spider, tag, state, jobs, 1 AS kept \
             FROM job_counts UNION ALL SELECT *, 0 FROM ({JOB_COUNTS})) \
             GROUP BY project, spider, tag, state HAVING COUNT(*) <> 2 OR MIN(jobs) <> MAX(jobs)) \
             GROUP BY project"
        );
        let read = |row: &Row<'_>| Ok((row.get("project")?, row.get("wrong")?));
        for (subject, (project, wrong)) in self.wrong(&wrong, read)? {
            let (project, wrong): (i64, i64) = (project, wrong);
            let what = format!("{wrong} of the counts of its jobs, spiders and tags are wrong");
            self.found(subject, what, |connection| {
                connection.execute("DELETE FROM job_counts WHERE project = ?1", [project])?;
                let sql = format!(
                    "INSERT INTO job_counts SELECT * FROM ({JOB_COUNTS}) WHERE project = ?1"
                );
                connection.execute(&sql, [project])?;
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Request ids whose kept answers are damaged: the request, repeated, is done anew.
    pub(super) fn request_ids(&self) -> Result<()> {
        let sql = "SELECT project, id FROM request_ids WHERE NOT json_valid(reply)";
        let read = |row: &Row<'_>| Ok((row.get::<_, i64>("project")?, row.get("id")?));
        for (subject, (project, id)) in self.wrong(sql, read)? {
            let id: String = id;
            let what = format!("request id {} has a damaged answer", id.escape_debug());
            let sql = "DELETE FROM request_ids WHERE project = ?1 AND id = ?2";
            self.found_by(subject, what, sql, params![project, id])?;
        }
        Ok(())
    }

    pub(super) fn count_projects(&self) -> Result<u64> {
        let projects = self.wrong("SELECT project FROM projects", |_| Ok(()))?;
        let valid = projects.iter().filter(|(subject, ())| *subject != Subject::Store);
        Ok(valid.count() as u64)
    }

    pub(super) fn count_aside(&self) -> Result<u64> {
        let sql = "SELECT 1 FROM sqlite_schema WHERE name = 'set_aside'";
        if !self.connection.prepare(sql)?.exists([])? {
            return Ok(0);
        }
        Ok(self.wrong("SELECT project FROM set_aside", |_| Ok(()))?.len() as u64)
    }
}

/// A name that no spider of the project has.
fn free_name(connection: &Connection, project: i64, spider: i64) -> Result<String> {
    let mut name = format!("lost-spider-{spider}");
    loop {
        let sql = "SELECT 1 FROM spiders WHERE project = ?1 AND name = ?2";
        let taken = connection.query_row(sql, params![project, name], |_| Ok(()));
        if taken.optional()?.is_none() {
            return Ok(name);
        }
        name.push('x');
    }
}
