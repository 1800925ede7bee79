//! The file of the store: made private to its owner, locked against a second process,
//! opened with the settings that make an acknowledged write durable.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};
use spiderq_core::error::Error;

use crate::{error::Result, migrations};

/// Prepared statements that a connection keeps: a little more than there are.
const STATEMENT_CACHE: usize = 96;
/// How long a connection waits for another's lock. Only fsck competes with the writer.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// Holds the lock on the file until it is dropped.
#[derive(Debug)]
pub(crate) struct StoreFile {
    path: PathBuf,
    _lock: File,
}

impl StoreFile {
    /// Makes the file if it is not there, and locks it.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let mut lock_path = path.as_os_str().to_owned();
        lock_path.push(".lock");
        let lock = private(Path::new(&lock_path)).map_err(|error| cannot_open(path, error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::invalid(
                    "store",
                    format!("{} is in use by another process", path.display()),
                )
                .into());
            }
            Err(TryLockError::Error(error)) => return Err(cannot_open(path, error).into()),
        }
        private(path).map_err(|error| cannot_open(path, error))?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// The one connection that writes; brings the schema up to date.
    pub(crate) fn writer(&self) -> Result<Connection> {
        let connection = self.connect(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        // Pages; fewer checkpoints than the default of 1000, each of them waits for the disk.
        connection.pragma_update(None, "wal_autocheckpoint", 8_000)?;
        connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
        migrations::apply(&connection, migrations::ALL)?;
        Ok(connection)
    }

    /// A connection that cannot write.
    pub(crate) fn reader(&self) -> Result<Connection> {
        self.connect(OpenFlags::SQLITE_OPEN_READ_ONLY)
    }

    fn connect(&self, access: OpenFlags) -> Result<Connection> {
        let connection =
            Connection::open_with_flags(&self.path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
        // Without it, SQLite prepares a statement on a table with partial indexes anew whenever
        // another value is bound: ten times the cost of reading a job.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        // KiB, as it is negative.
        connection.pragma_update(None, "cache_size", -32_768)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        Ok(connection)
    }
}

/// Opens or makes a file that only its owner can read. SQLite gives the files beside it
/// the same permissions.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn cannot_open(path: &Path, error: io::Error) -> Error {
    Error::invalid("store", format!("cannot open {}: {error}", path.display()))
}
