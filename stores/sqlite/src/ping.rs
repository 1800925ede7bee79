//! Whether the store can do what it is for: a write that reaches the disk, to the file that still
//! has its path, and no damage found so far. Anyone may ask, without a key, so that the disk is
//! asked once a second at most.

use std::time::{Duration, Instant};

use rusqlite::Connection;
use spiderq_core::error::Result;
use tokio::sync::Mutex;

use crate::{SqliteStore, error};

/// For how long the answer of the disk counts.
const ANSWER_TTL: Duration = Duration::from_secs(1);

/// The last answer of the disk, and when it was given. Held while the disk is asked, so that those
/// who come meanwhile get the same answer.
#[derive(Debug, Default)]
pub(crate) struct LastPing(Mutex<Option<(Instant, Result<()>)>>);

/// An error that says what is the matter.
pub(crate) async fn ping(store: &SqliteStore) -> Result<()> {
    store.identity.check()?;
    store.damage.check()?;
    let mut last = store.last_ping.0.lock().await;
    if let Some((at, answer)) = last.as_ref()
        && at.elapsed() < ANSWER_TTL
    {
        return answer.clone();
    }
    let answer = store.writer.call(write).await;
    *last = Some((Instant::now(), answer.clone()));
    answer
}

/// A small row, another one each time: what does not change is not written.
fn write(connection: &Connection) -> error::Result<()> {
    let sql = "INSERT OR REPLACE INTO config (name, value) VALUES ('ping', randomblob(8))";
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}
