//! What a project and a spider have once: names, and the last numbers given; and kept answers.

use crate::error::Result;
use rusqlite::{OptionalExtension as _, params};

use super::{
    super::row::{decode_tags, spider_name, state_index},
    Check,
};
use spiderq_core::{model::State, store::Subject};

/// Counters of a project that are sums: their columns, the state, and what they count.
const SUMS: [(&str, &str, State, &str); 4] = [
    ("finished_jobs", "count(*)", State::Finished, "the finished jobs"),
    ("finished_bytes", "sum(bytes)", State::Finished, "the bytes of the finished jobs"),
    ("deleted_jobs", "count(*)", State::Deleted, "the deleted jobs"),
    ("deleted_bytes", "sum(bytes)", State::Deleted, "the bytes of the deleted jobs"),
];

/// Something that is below what it must be at least.
struct Least {
    /// Rows: project, spider or NULL, what it must be at least.
    wrong: &'static str,
    text: &'static str,
    mend: &'static str,
}

const LEASTS: [Least; 4] = [
    Least {
        wrong: "SELECT project, NULL, (SELECT MAX(position) FROM jobs \
                WHERE jobs.project = projects.project) AS least \
                FROM projects WHERE last_position < least",
        text: "the last position is below that of a job",
        mend: "UPDATE projects SET last_position = ?3 WHERE project = ?1",
    },
    Least {
        wrong: "SELECT project, NULL, (SELECT MAX(spider) FROM spiders \
                WHERE spiders.project = projects.project) AS least \
                FROM projects WHERE last_spider < least",
        text: "the last spider number is below one given",
        mend: "UPDATE projects SET last_spider = ?3 WHERE project = ?1",
    },
    Least {
        wrong: "SELECT project, spider, (SELECT MAX(job) FROM jobs \
                WHERE jobs.project = spiders.project AND jobs.spider = spiders.spider) AS least \
                FROM spiders WHERE last_job < least",
        text: "the last job number of spider {spider} is below that of a job",
        mend: "UPDATE spiders SET last_job = ?3 WHERE project = ?1 AND spider = ?2",
    },
    Least {
        wrong: "SELECT project, NULL, (SELECT MAX(number) FROM events \
                WHERE events.project = logs.project) AS least \
                FROM logs WHERE last < least",
        text: "the number of the last event is below that of one kept",
        mend: "UPDATE logs SET last = ?3 WHERE project = ?1",
    },
];

impl Check<'_> {
    /// Spiders that jobs are of, and their names and tags.
    pub(super) fn spiders(&mut self) -> Result<()> {
        self.step(|check| {
            let sql = "SELECT project, spider, MAX(job) FROM jobs WHERE NOT EXISTS (\
                       SELECT 1 FROM spiders WHERE spiders.project = jobs.project \
                       AND spiders.spider = jobs.spider) GROUP BY project, spider";
            for (subject, (project, spider, last)) in check.wrong(sql, numbers)? {
                let what = format!("spider {spider} has no name");
                check.found(subject, what, |connection| {
                    let name = free_name(connection, project, spider)?;
                    let sql = "INSERT INTO spiders (project, spider, name, last_job) \
                               VALUES (?1, ?2, ?3, ?4)";
                    connection.execute(sql, params![project, spider, name, last])?;
                    Ok(())
                })?;
            }
            check.names()
        })
    }

    fn names(&self) -> Result<()> {
        let sql = "SELECT project, spider, name, default_tags FROM spiders";
        let spiders = self.wrong(sql, |row| {
            let texts: (String, String) = (row.get(2)?, row.get(3)?);
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, texts))
        })?;
        for (subject, (project, spider, (name, tags))) in spiders {
            if spider_name(&name).is_err() {
                let what = format!("spider {spider} has a name that is none: {name:?}");
                self.found(subject, what, |connection| {
                    let name = free_name(connection, project, spider)?;
                    let sql = "UPDATE spiders SET name = ?3 WHERE project = ?1 AND spider = ?2";
                    connection.execute(sql, params![project, spider, name])?;
                    Ok(())
                })?;
            }
            if decode_tags(&tags).is_err() {
                let what = format!("spider {spider} has tags that are none: {tags:?}");
                self.found(subject, what, |connection| {
                    let sql = "UPDATE spiders SET default_tags = '[]' \
                               WHERE project = ?1 AND spider = ?2";
                    connection.execute(sql, [project, spider])?;
                    Ok(())
                })?;
            }
        }
        Ok(())
    }

    /// Projects that are not listed, and numbers that would be given twice.
    pub(super) fn numbers(&mut self) -> Result<()> {
        self.step(|check| {
            let sql = "SELECT project, 0, 0 FROM (SELECT project FROM jobs \
                       UNION SELECT project FROM spiders UNION SELECT project FROM settings) \
                       WHERE project NOT IN (SELECT project FROM projects)";
            for (subject, (project, ..)) in check.wrong(sql, numbers)? {
                let what = "is not in the list of projects";
                check.found(subject, what, |connection| {
                    let sql = "INSERT INTO projects (project, last_position, last_spider) VALUES \
                               (?1, COALESCE((SELECT MAX(position) FROM jobs WHERE project = ?1), 0), \
                               COALESCE((SELECT MAX(spider) FROM spiders WHERE project = ?1), 0))";
                    connection.execute(sql, [project])?;
                    Ok(())
                })?;
            }
            for least in &LEASTS {
                let rows = check.wrong(least.wrong, |row| {
                    let spider: Option<i64> = row.get(1)?;
                    Ok((row.get::<_, i64>(0)?, spider, row.get::<_, i64>(2)?))
                })?;
                for (subject, (project, spider, number)) in rows {
                    let shown = spider.map_or_else(String::new, |spider| spider.to_string());
                    let what = least.text.replace("{spider}", &shown);
                    check.found(subject, what, |connection| {
                        // A statement takes just the numbers that it names.
                        let mut statement = connection.prepare(least.mend)?;
                        statement.raw_bind_parameter(1, project)?;
                        if spider.is_some() {
                            statement.raw_bind_parameter(2, spider)?;
                        }
                        statement.raw_bind_parameter(3, number)?;
                        statement.raw_execute()?;
                        Ok(())
                    })?;
                }
            }
            Ok(())
        })
    }

    /// Counters that are sums.
    pub(super) fn sums(&mut self) -> Result<()> {
        self.step(|check| {
            for (column, sum, state, text) in SUMS {
                let state = state_index(state);
                let sql = format!(
                    "SELECT project, {column}, (SELECT coalesce({sum}, 0) FROM jobs \
                     WHERE jobs.project = projects.project AND state = {state}) AS truth \
                     FROM projects WHERE {column} <> truth"
                );
                for (subject, (project, counted, right)) in check.wrong(&sql, numbers)? {
                    let what = format!("{text} are {right}, not {counted}");
                    check.found(subject, what, |connection| {
                        let sql = format!("UPDATE projects SET {column} = ?2 WHERE project = ?1");
                        connection.execute(&sql, [project, right])?;
                        Ok(())
                    })?;
                }
            }
            Ok(())
        })
    }

    /// Kept answers that are none.
    pub(super) fn requests(&mut self) -> Result<()> {
        self.step(|check| {
            let sql = "SELECT project, id FROM requests WHERE NOT json_valid(reply)";
            let rows =
                check.wrong(sql, |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
            for (subject, (project, id)) in rows {
                let what = format!("request {} has no kept answer", id.escape_debug());
                check.found(subject, what, |connection| {
                    let sql = "DELETE FROM requests WHERE project = ?1 AND id = ?2";
                    connection.execute(sql, params![project, id])?;
                    Ok(())
                })?;
            }
            Ok(())
        })
    }

    pub(super) fn count_projects(&self) -> Result<u64> {
        let projects = self.wrong("SELECT project FROM projects", |_| Ok(()))?;
        let projects = projects.iter();
        let real = projects.filter(|(subject, ())| *subject != Subject::Store);
        Ok(real.count() as u64)
    }

    pub(super) fn count_aside(&self) -> Result<u64> {
        let sql = "SELECT 1 FROM sqlite_schema WHERE name = 'set_aside'";
        let any = self.connection.query_row(sql, [], |_| Ok(())).optional()?;
        match any {
            None => Ok(0),
            Some(()) => Ok(self.wrong("SELECT project FROM set_aside", |_| Ok(()))?.len() as u64),
        }
    }
}

fn numbers(row: &rusqlite::Row<'_>) -> rusqlite::Result<(i64, i64, i64)> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

/// A name that no spider of the project has.
fn free_name(connection: &rusqlite::Connection, project: i64, spider: i64) -> Result<String> {
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
