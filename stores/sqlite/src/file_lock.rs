//! The lock on the store's file. It is taken on a file beside it and, where SQLite's own locks are
//! of another kind, on the file itself: so that a link to it, or a lock file that somebody removed,
//! lets no second process in. The file beside it also keeps when the store was last alive.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{FileExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use spiderq_core::{
    error::{Error, Result},
    model::Millis,
};

use crate::store_file::Access;

/// Digits of a time in the lock file, with zeros before it: a shorter one would leave a rest.
const TIME_DIGITS: usize = 20;

/// Device and number of a file.
pub(crate) type FileId = (u64, u64);

/// The locks; they go when it is dropped.
#[derive(Debug)]
pub(crate) struct FileLock {
    beside: File,
    /// Closed after all connections: on closing it the system drops SQLite's locks of this process,
    /// too.
    file: File,
    id: FileId,
}

impl FileLock {
    /// Locks the file at `real`, which errors call by the `path` that the operator gave.
    pub(crate) fn take(path: &Path, real: &Path, access: Access) -> Result<Self> {
        let mut beside = real.as_os_str().to_owned();
        beside.push(".lock");
        let beside = private(Path::new(&beside)).map_err(|error| cannot_open(path, error))?;
        lock(&beside, path)?;
        let file = match access {
            Access::Write => private(real),
            Access::Check => File::open(real),
        };
        let file = file.map_err(|error| cannot_open(path, error))?;
        // Elsewhere this lock and SQLite's would be in each other's way.
        if cfg!(target_os = "linux") {
            lock(&file, path)?;
        }
        let id = id_of(&file.metadata().map_err(|error| cannot_open(path, error))?);
        Ok(Self { beside, file, id })
    }

    pub(crate) fn is_empty(&self) -> Result<bool> {
        Ok(self.file.metadata().map_err(Error::unavailable)?.len() == 0)
    }

    pub(crate) const fn file_id(&self) -> FileId {
        self.id
    }

    /// Keeps a time. It need not survive a loss of power, so that nothing waits for the disk.
    pub(crate) fn keep_time(&self, time: Millis) -> Result<()> {
        let text = format!("{:0TIME_DIGITS$}\n", time.0);
        self.beside.write_all_at(text.as_bytes(), 0).map_err(Error::unavailable)
    }

    /// The time that was kept last, also by another process before this one.
    pub(crate) fn kept_time(&self) -> Result<Option<Millis>> {
        let mut text = [0; TIME_DIGITS];
        match self.beside.read_exact_at(&mut text, 0) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(Error::unavailable(error)),
        }
        let text = std::str::from_utf8(&text).ok();
        Ok(text.and_then(|text| text.parse().ok()).map(Millis))
    }
}

/// Which file the store writes to.
#[derive(Debug)]
pub(crate) struct Identity {
    path: PathBuf,
    id: FileId,
}

impl Identity {
    pub(crate) const fn new(path: PathBuf, id: FileId) -> Self {
        Self { path, id }
    }

    /// An error when another file has its path, or none: what is written now would be lost.
    pub(crate) fn check(&self) -> Result<()> {
        let found = fs::metadata(&self.path).map(|found| id_of(&found));
        match found {
            Ok(found) if found == self.id => Ok(()),
            Ok(_) => Err(gone("another file has its path")),
            Err(error) => Err(gone(error)),
        }
    }
}

fn gone(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::unavailable_for("its file was removed or replaced", source)
}

fn id_of(metadata: &fs::Metadata) -> FileId {
    (metadata.dev(), metadata.ino())
}

fn lock(file: &File, path: &Path) -> Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            let text = format!("{} is in use by another process", path.display());
            Err(Error::invalid("store", text))
        }
        Err(TryLockError::Error(error)) => Err(cannot_open(path, error)),
    }
}

/// Opens or makes a file that only its owner can read. SQLite gives the files beside it
/// the same permissions.
pub(crate) fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

pub(crate) fn cannot_open(path: &Path, error: io::Error) -> Error {
    Error::invalid("store", format!("cannot open {}: {error}", path.display()))
}
