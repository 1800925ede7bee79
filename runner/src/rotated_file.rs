//! An output of a job: JSON lines in files that are rotated by size, `log.1.jl`, `log.2.jl` …. None
//! of them is ever overwritten.

use std::{
    fs::File,
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    private_files::{create_file, create_folder},
    spool::SpoolFiles,
    spool_record::SpoolRecord,
};

#[derive(Debug)]
pub(crate) struct RotatedFile {
    folder: PathBuf,
    name: &'static str,
    max_bytes: u64,
    first: PathBuf,
    number: u32,
    written: u64,
    /// Of all files of this attempt.
    lines: i64,
    file: BufWriter<File>,
    files: Arc<SpoolFiles>,
}

impl RotatedFile {
    /// Writes to `NAME.N.jl` in `folder`, which is created. `N` begins at the first number that is
    /// free, so that the files of an earlier attempt stay. A line that would make a file longer
    /// than `max_bytes` goes into the next file; a line longer than that has a file of its own.
    /// What begins where is noted in the `record`.
    pub(crate) fn create(
        folder: &Path,
        name: &'static str,
        max_bytes: u64,
        record: Option<Arc<SpoolRecord>>,
    ) -> io::Result<Self> {
        create_folder(folder)?;
        let (number, file) = open(folder, name, 1)?;
        let files = Arc::new(SpoolFiles::new(record));
        files.add(path(folder, name, number), (name, number), 0)?;
        Ok(Self {
            files,
            first: path(folder, name, number),
            folder: folder.to_owned(),
            name,
            max_bytes,
            number,
            written: 0,
            lines: 0,
            file,
        })
    }

    /// The first file that this attempt writes.
    pub(crate) fn path(&self) -> &Path {
        &self.first
    }

    /// All files that this attempt writes.
    pub(crate) fn files(&self) -> Arc<SpoolFiles> {
        Arc::clone(&self.files)
    }

    /// Adds `line` and a line feed.
    pub(crate) fn write(&mut self, line: &str) -> io::Result<()> {
        let bytes = line.len() as u64 + 1;
        if self.written > 0 && self.written + bytes > self.max_bytes {
            self.file.flush()?;
            (self.number, self.file) = open(&self.folder, self.name, self.number + 1)?;
            let path = path(&self.folder, self.name, self.number);
            self.files.add(path, (self.name, self.number), self.lines)?;
            self.written = 0;
        }
        self.written += bytes;
        self.lines += 1;
        self.file.write_all(line.as_bytes())?;
        self.file.write_all(b"\n")
    }

    /// Hands buffered lines to the operating system.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn path(folder: &Path, name: &str, number: u32) -> PathBuf {
    folder.join(format!("{name}.{number}.jl"))
}

/// Creates the first file from `number` on that does not exist yet.
fn open(folder: &Path, name: &str, mut number: u32) -> io::Result<(u32, BufWriter<File>)> {
    loop {
        match create_file(&path(folder, name, number)) {
            Ok(file) => return Ok((number, BufWriter::new(file))),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    fn read(folder: &Path, name: &str) -> String {
        fs::read_to_string(folder.join(name)).unwrap()
    }

    #[test]
    fn a_full_file_is_followed_by_the_next() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("1/2/3");
        let mut log = RotatedFile::create(&folder, "log", 8, None).unwrap();
        assert_eq!(log.path(), folder.join("log.1.jl"));
        for line in ["123", "456", "7", "a line longer than a file", "8"] {
            log.write(line).unwrap();
        }
        log.flush().unwrap();
        assert_eq!(read(&folder, "log.1.jl"), "123\n456\n");
        assert_eq!(read(&folder, "log.2.jl"), "7\n");
        assert_eq!(read(&folder, "log.3.jl"), "a line longer than a file\n");
        assert_eq!(read(&folder, "log.4.jl"), "8\n");
        let files: Vec<_> = fs::read_dir(&folder).unwrap().map(Result::unwrap).collect();
        assert_eq!(files.len(), 4);
        for file in files {
            let mode = file.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file:?}");
        }
    }

    #[test]
    fn existing_files_are_not_overwritten() {
        let root = tempfile::tempdir().unwrap();
        let mut first = RotatedFile::create(root.path(), "items", 8, None).unwrap();
        first.write("1").unwrap();
        first.flush().unwrap();
        let second = RotatedFile::create(root.path(), "items", 8, None).unwrap();
        assert_eq!(second.path(), root.path().join("items.2.jl"));
        assert_eq!(read(root.path(), "items.1.jl"), "1\n");
    }
}
