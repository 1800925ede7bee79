//! Writing files so that a crash leaves all of one or nothing.

use std::{
    collections::hash_map::RandomState,
    fs::{self, DirBuilder, File, OpenOptions},
    hash::{BuildHasher as _, Hasher as _},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use spiderq_core::error::Error;

/// What the name of a file that is being written ends with.
pub(super) const UNFINISHED: &str = ".tmp";

/// Output is for the user that the server runs as.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// What callers are told when a file can't be read or written.
#[expect(clippy::wildcard_enum_match_arm, reason = "the standard library has many kinds")]
pub(super) fn failed(error: io::Error) -> Error {
    let reason = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "the disk of output is full",
        _ => "output can't be read or written",
    };
    Error::unavailable_for(reason, error)
}

/// Makes a folder and those above it. Each is synced into its parent before anything is in it.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(FOLDER_MODE).create(folder) {
        Ok(()) => folder.parent().map_or(Ok(()), sync_folder),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let Some(parent) = folder.parent() else { return Err(error) };
            make_folder(parent)?;
            make_folder(folder)
        }
        Err(error) => Err(error),
    }
}

/// Returns when the names in a folder are on disk.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder)?.sync_all()
}

/// A file that has its bytes on disk and not its name yet. It is removed when this is dropped.
pub(super) struct Unnamed {
    pub(super) file: File,
    path: PathBuf,
    target: PathBuf,
}

impl Unnamed {
    pub(super) fn write(target: &Path, bytes: &[u8]) -> io::Result<Self> {
        // Other processes may write the same file, and in another container have the same id.
        let number = RandomState::new().build_hasher().finish();
        let mut path = target.as_os_str().to_owned();
        path.push(format!(".{number:016x}{UNFINISHED}"));
        let path = PathBuf::from(path);
        let file = Self::create(&path)?;
        let mut unnamed = Self { file, path, target: target.to_owned() };
        unnamed.file.write_all(bytes)?;
        unnamed.file.sync_all()?;
        Ok(unnamed)
    }

    fn create(path: &Path) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true).mode(FILE_MODE);
        match options.open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                path.parent().map_or(Ok(()), make_folder)?;
                options.open(path)
            }
            opened => opened,
        }
    }

    /// Gives it its name, in place of the file that has it.
    pub(super) fn replace(&self) -> io::Result<()> {
        fs::rename(&self.path, &self.target)?;
        self.sync()
    }

    /// Gives it its name; false if another file has it.
    pub(super) fn create_new(&self) -> io::Result<bool> {
        match fs::hard_link(&self.path, &self.target) {
            Ok(()) => self.sync().map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn sync(&self) -> io::Result<()> {
        self.target.parent().map_or(Ok(()), sync_folder)
    }
}

impl Drop for Unnamed {
    fn drop(&mut self) {
        // An error means that it has its name, or that the disk fails: then it is found by its end.
        let _ = fs::remove_file(&self.path);
    }
}

/// Writes a file in one step, in place of one that there may be.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    Unnamed::write(path, bytes)?.replace()
}
