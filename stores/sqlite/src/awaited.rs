//! Projects that are watched and do not exist yet, each with the stamp of the place where its watch
//! began. Only the writer's connection knows them, in a table of its own memory: who may read any
//! project must not fill the file with rows.

use rusqlite::{Connection, params};
use spiderq_core::model::ProjectId;

use crate::{
    error::Result,
    job_row::{first, int},
};

/// Most of them; the one that was asked for longest ago goes first. Its watch learns by its cursor
/// that it may have missed something.
const MAX_AWAITED: i64 = 10_000;

/// Makes the table, which ends with the connection.
pub(crate) fn create(connection: &Connection) -> Result<()> {
    let sql = "CREATE TEMP TABLE awaited (project INTEGER UNIQUE, stamp INTEGER NOT NULL) STRICT";
    Ok(connection.execute_batch(sql)?)
}

/// Adds a project, or makes it the latest.
pub(crate) fn add(connection: &Connection, project: ProjectId, stamp: u64) -> Result<()> {
    let sql = "INSERT OR REPLACE INTO temp.awaited (project, stamp) VALUES (?1, ?2)";
    connection.prepare_cached(sql)?.execute(params![int(project.get()), int(stamp)])?;
    let sql = "DELETE FROM temp.awaited WHERE rowid <= ?1";
    connection.prepare_cached(sql)?.execute([connection.last_insert_rowid() - MAX_AWAITED])?;
    Ok(())
}

/// The stamp of a project that somebody waits for.
pub(crate) fn stamp(connection: &Connection, project: ProjectId) -> Result<Option<u64>> {
    let sql = "SELECT stamp FROM temp.awaited WHERE project = ?1";
    let read = |row: &rusqlite::Row<'_>| Ok(row.get::<_, i64>(0)?.cast_unsigned());
    first(connection, sql, [int(project.get())], read)
}

/// The project exists from now on.
pub(crate) fn forget(connection: &Connection, project: ProjectId) -> Result<()> {
    let sql = "DELETE FROM temp.awaited WHERE project = ?1";
    connection.prepare_cached(sql)?.execute([int(project.get())])?;
    Ok(())
}
