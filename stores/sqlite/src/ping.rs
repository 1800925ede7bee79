//! Whether the store can do what it is for: a write that reaches the disk, to the file that still
//! has its path, and no damage found so far. The server asks once a second at most.

use rusqlite::Connection;
use spiderq_core::error::Result;

use crate::{SqliteStore, error};

/// An error that says what is the matter.
pub(crate) async fn ping(store: &SqliteStore) -> Result<()> {
    store.identity.check()?;
    store.damage.check()?;
    store.writer.call(write).await
}

/// A small row, another one each time: what does not change is not written.
fn write(connection: &Connection) -> error::Result<()> {
    let sql = "INSERT OR REPLACE INTO config (name, value) VALUES ('ping', randomblob(8))";
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}
