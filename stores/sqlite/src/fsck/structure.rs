//! The file itself, by SQLite's own check, and the tables, indexes and views that it must have.

use rusqlite::Connection;
use spiderq_core::store::{CheckProgress, Subject};

use super::Check;
use crate::{error::Result, migrations};

/// Finds at most 1,000 faults: a file with more is past repair.
const FILE_CHECK: &str = "PRAGMA integrity_check(1000)";
/// Tables, indexes and views in the order in which they were made.
const SCHEMA: &str = "SELECT type, name, sql FROM sqlite_schema \
                     WHERE name NOT LIKE 'sqlite_%' ORDER BY rowid";

impl Check<'_> {
    /// The file. Indexes can be built anew; what else is broken cannot be repaired here.
    pub(super) fn file(&mut self) -> Result<()> {
        let faults = self.faults()?;
        let left = if self.repair && !faults.is_empty() {
            self.connection.execute_batch("REINDEX")?;
            self.faults()?
        } else {
            faults.clone()
        };
        for fault in faults {
            let repaired = !left.contains(&fault);
            self.report_finding(Subject::Store, format!("the file: {fault}"), repaired);
        }
        Ok(())
    }

    fn faults(&self) -> Result<Vec<String>> {
        let mut statement = self.connection.prepare(FILE_CHECK)?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
        let lines: Vec<String> = rows.collect::<rusqlite::Result<_>>()?;
        let lines = lines.iter().flat_map(|lines| lines.lines());
        Ok(lines.filter(|line| *line != "ok").map(str::to_owned).collect())
    }

    /// What of the schema is missing; what is there besides is not ours to judge. Answers whether
    /// all that the rest of the check looks at is there.
    pub(super) fn schema(&mut self) -> Result<bool> {
        let fresh = Connection::open_in_memory()?;
        migrations::apply(&fresh, migrations::ALL)?;
        let (fresh, present) = (parts(&fresh)?, parts(self.connection)?);
        let mut whole = true;
        for (kind, name, sql) in fresh {
            if present.iter().any(|part| part.0 == kind && part.1 == name) {
                continue;
            }
            whole &= self.repair || kind == "index";
            let what = format!("{kind} {name} is missing");
            self.found(Subject::Store, what, |connection| Ok(connection.execute_batch(&sql)?))?;
        }
        if !whole {
            let rest = "the rest can only be checked when that is there".to_owned();
            self.report(CheckProgress::Unchecked(Subject::Store, rest));
        }
        Ok(whole)
    }
}

fn parts(connection: &Connection) -> Result<Vec<(String, String, String)>> {
    let mut statement = connection.prepare(SCHEMA)?;
    let rows =
        statement.query_map([], |row| Ok((row.get("type")?, row.get("name")?, row.get("sql")?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
