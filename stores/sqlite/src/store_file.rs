//! The file of the store: made private to its owner, locked against a second process by whatever
//! path that comes, opened with the settings that make an acknowledged write durable.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig};
use spiderq_core::error::Error;

use crate::{
    awaited,
    error::{Result, StepError},
    file_lock::{FileLock, Identity, cannot_open, private},
    migrations,
};

/// Prepared statements that a connection keeps: a little more than there are.
const STATEMENT_CACHE: usize = 112;
/// Cache of a connection that reads, KiB. Each write beside it empties the cache, and the pages are
/// in that of the kernel then.
const READER_CACHE: i64 = 4_096;
/// Cache of the connection that writes, KiB: room for the pages of some thousand jobs, beside those
/// of the indexes that each write changes.
const WRITER_CACHE: i64 = 8_192;
/// How long a connection waits for another's lock. Only fsck competes with the writer.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// What the file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Calls of any kind; the file is made if it is missing.
    Write,
    /// A check without a repair: not a byte of the file changes.
    Check,
}

/// Holds the lock on the file until it is dropped.
#[derive(Debug)]
pub(crate) struct StoreFile {
    /// Without symbolic links: the log of writes beside the file is named after it.
    path: PathBuf,
    access: Access,
    lock: FileLock,
}

impl StoreFile {
    /// Locks the file; makes it first if it is not there and may be written.
    pub(crate) fn open(path: &Path, access: Access) -> Result<Self> {
        let was_there = path.exists();
        if !was_there && access == Access::Write {
            private(path).map_err(|error| cannot_open(path, error))?;
        }
        let real = fs::canonicalize(path).map_err(|error| cannot_open(path, error))?;
        let lock = FileLock::take(path, &real, access)?;
        let empty = lock.is_empty()?;
        if empty && access == Access::Check {
            let text = format!("{} is empty: no store was made of it yet", path.display());
            return Err(Error::invalid("store", text).into());
        }
        if empty && was_there {
            tracing::warn!(path = %path.display(), "the file was empty: a new store is made of it");
        }
        Ok(Self { path: real, access, lock })
    }

    /// Which file it is, to be compared with the one that has its path by now.
    pub(crate) fn identity(&self) -> Identity {
        Identity::new(self.path.clone(), self.lock.file_id())
    }

    /// Where the lock keeps when the store was last alive.
    pub(crate) const fn lock(&self) -> &FileLock {
        &self.lock
    }

    /// The one connection that writes; brings the schema up to date. Of a file that is just
    /// checked, one that cannot write.
    pub(crate) fn writer(&self) -> Result<Connection> {
        if self.access == Access::Check {
            let connection = self.reader()?;
            migrations::check_version(&connection, migrations::ALL)?;
            return Ok(connection);
        }
        let connection = self.connect(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        // Before the first write: a file of another program is left as it is.
        migrations::seen(&connection, migrations::ALL)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "cache_size", -WRITER_CACHE)?;
        // Pages; fewer checkpoints than the default of 1000, each of them waits for the disk.
        connection.pragma_update(None, "wal_autocheckpoint", 8_000)?;
        connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
        migrations::apply(&connection, migrations::ALL)?;
        awaited::create(&connection)?;
        Ok(connection)
    }

    /// A connection that cannot write.
    pub(crate) fn reader(&self) -> Result<Connection> {
        self.connect(OpenFlags::SQLITE_OPEN_READ_ONLY)
    }

    /// The same with a cache of so many KiB.
    pub(crate) fn reader_with_cache(&self, kib: i64) -> Result<Connection> {
        let connection = self.reader()?;
        connection.pragma_update(None, "cache_size", -kib)?;
        Ok(connection)
    }

    fn connect(&self, access: OpenFlags) -> Result<Connection> {
        let is_none = |error: &StepError| match error {
            StepError::Sqlite(error) => error.sqlite_error_code() == Some(ErrorCode::NotADatabase),
            StepError::Store(_) => false,
        };
        let opened = self.configured(access);
        if opened.as_ref().is_err_and(is_none) {
            let text = "its file is no SQLite database, or its first page is damaged";
            return Err(Error::invalid("store", text).into());
        }
        opened
    }

    fn configured(&self, access: OpenFlags) -> Result<Connection> {
        let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = match self.immutable_uri() {
            Some(uri) => Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)?,
            None => Connection::open_with_flags(&self.path, flags)?,
        };
        connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
        // Without it, SQLite prepares a statement on a table with partial indexes anew whenever
        // another value is bound: ten times the cost of reading a job.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        // KiB, as it is negative.
        connection.pragma_update(None, "cache_size", -READER_CACHE)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        Ok(connection)
    }

    /// Of a file that is just checked: with this SQLite makes no files beside it. Where a server
    /// that was killed left writes in the log, they must be read too.
    fn immutable_uri(&self) -> Option<String> {
        if self.access != Access::Check {
            return None;
        }
        let mut log = self.path.as_os_str().to_owned();
        log.push("-wal");
        if fs::metadata(log).is_ok_and(|log| log.len() > 0) {
            return None;
        }
        let path = self.path.to_str()?;
        let path = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
        Some(format!("file:{path}?immutable=1"))
    }
}
