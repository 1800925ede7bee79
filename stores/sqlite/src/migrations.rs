//! Brings the schema of a file up to date: the files of `migrations/` are applied in the order of
//! their numbers, each once. The number of the last one is the file's `user_version`.

use rusqlite::Connection;
use spiderq_core::error::Error;

use crate::error::Result;

/// All migrations, oldest first; the first one makes version 1.
pub(crate) const ALL: &[&str] = include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// Whether a file has any of the tables that every version has.
const IS_OURS: &str = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' \
                       AND name IN ('event_logs', 'job_tags', 'request_ids'))";
const IS_EMPTY: &str = "SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)";

/// How many of `migrations` the file has seen. One that has seen more was written by a later
/// program and is refused, as is one of another program.
pub(crate) fn seen(connection: &Connection, migrations: &[&str]) -> Result<usize> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let of_us = if found == 0 { IS_EMPTY } else { IS_OURS };
    if !connection.query_row(of_us, [], |row| row.get(0))? {
        let text = "its file is a SQLite database of another program";
        return Err(Error::invalid("store", text).into());
    }
    let known = migrations.len();
    match usize::try_from(found) {
        Ok(seen) if seen <= known => Ok(seen),
        Ok(_) | Err(_) => {
            let text = format!("its file has schema version {found}, this program knows {known}");
            Err(Error::invalid("store", text).into())
        }
    }
}

/// Refuses a file that has not seen all of `migrations`: who may not write can't apply them.
pub(crate) fn check_version(connection: &Connection, migrations: &[&str]) -> Result<()> {
    let (seen, known) = (seen(connection, migrations)?, migrations.len());
    if seen < known {
        let text = format!(
            "its file has schema version {seen}, and this program checks version {known}: \
             `spiderq fsck --repair`, or a start of the server, brings it up to date"
        );
        return Err(Error::invalid("store", text).into());
    }
    Ok(())
}

/// Applies those of `migrations` that the file has not seen, in one transaction each.
pub(crate) fn apply(connection: &Connection, migrations: &[&str]) -> Result<()> {
    let seen = seen(connection, migrations)?;
    for (version, sql) in (seen + 1..).zip(migrations.iter().skip(seen)) {
        connection.execute_batch(&format!(
            "BEGIN IMMEDIATE;\n{sql}\n;PRAGMA user_version = {version};COMMIT;"
        ))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: &str = "CREATE TABLE colours (name TEXT) STRICT;\n\
                          INSERT INTO colours VALUES ('red') -- no semicolon at the end";

    fn number(connection: &Connection, sql: &str) -> i64 {
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_second_migration_is_applied_once() {
        let connection = Connection::open_in_memory().unwrap();
        apply(&connection, ALL).unwrap();
        let two = [ALL, &[SECOND]].concat();
        for _ in 0..2 {
            apply(&connection, &two).unwrap();
            assert_eq!(number(&connection, "SELECT count(*) FROM colours"), 1);
            let version = number(&connection, "PRAGMA user_version");
            assert_eq!(version, two.len() as i64);
        }
    }

    #[test]
    fn a_migration_that_fails_leaves_nothing_behind() {
        let connection = Connection::open_in_memory().unwrap();
        let broken = [SECOND, "CREATE TABLE more (name TEXT) STRICT; SELECT no_such_column"];
        assert!(apply(&connection, &broken).is_err());
        assert!(!connection.is_autocommit(), "the caller drops the connection");
        connection.execute_batch("ROLLBACK").unwrap();
        assert_eq!(number(&connection, "PRAGMA user_version"), 1);
        assert_eq!(number(&connection, "SELECT count(*) FROM sqlite_schema"), 1);
    }
}
