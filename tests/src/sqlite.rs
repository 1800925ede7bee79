//! SQLite stores in the process of the test.

use std::{path::Path, sync::Arc};

use spiderq_core::store::Store;
use spiderq_sqlite::SqliteStore;

use crate::TIMEOUT;

/// The store at `path`, made if it is not there. Its calls wait for as long as a test does.
pub fn sqlite_store(path: &Path) -> Arc<dyn Store> {
    Arc::new(SqliteStore::open_with_timeout(path, TIMEOUT).unwrap())
}
