//! Brings the schema of a file up to date: the files of `migrations/` are applied in the order of
//! their numbers, each once. The number of the last one is the file's `user_version`.

use rusqlite::Connection;
use spiderq_core::error::Error;

use crate::error::Result;

/// All migrations, oldest first; the first one makes version 1.
pub(crate) const ALL: &[&str] = include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// Applies those of `migrations` that the file has not seen, in one transaction each. A file that
/// has seen more was written by a later program and is refused.
pub(crate) fn apply(connection: &Connection, migrations: &[&str]) -> Result<()> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let refused = || {
        let known = migrations.len();
        let text = format!("its file has schema version {found}, this program knows {known}");
        Error::invalid("store", text)
    };
    let seen = usize::try_from(found).map_err(|_| refused())?;
    let new = migrations.get(seen..).ok_or_else(refused)?;
    for (version, sql) in (seen + 1..).zip(new) {
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
