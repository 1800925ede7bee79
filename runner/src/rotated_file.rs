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
    /// Where files are noted for later runners; `None`: they are not sent.
    record: Option<Arc<SpoolRecord>>,
}

impl RotatedFile {
    /// Writes to `NAME.N.jl` in `folder`, which is created. `N` begins at the first number that is
    /// free, so that the files of an earlier attempt stay. A line that would make a file longer
    /// than `max_bytes` goes into the next file; a line longer than that has a file of its own.
    /// What begins where is noted in the `record`, which may name the files otherwise.
    pub(crate) fn create(
        folder: &Path,
        name: &'static str,
        max_bytes: u64,
        record: Option<Arc<SpoolRecord>>,
    ) -> io::Result<Self> {
        create_folder(folder)?;
        let opened = open(folder, (name, 1), 0, record.as_deref())?;
        let files = Arc::new(SpoolFiles::default());
        files.add(opened.path.clone());
        Ok(Self {
            files,
            first: opened.path,
            folder: folder.to_owned(),
            name,
            max_bytes,
            number: opened.number,
            written: 0,
            lines: 0,
            file: opened.file,
            record,
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
            let at = (self.name, self.number + 1);
            let opened = open(&self.folder, at, self.lines, self.record.as_deref())?;
            (self.number, self.file) = (opened.number, opened.file);
            self.files.add(opened.path);
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

struct Opened {
    number: u32,
    path: PathBuf,
    file: BufWriter<File>,
}

/// Creates the first file from a number on that does not exist yet, for the lines from `start` on.
fn open(
    folder: &Path,
    (name, mut number): (&str, u32),
    start: i64,
    record: Option<&SpoolRecord>,
) -> io::Result<Opened> {
    loop {
        let plain = || format!("{name}.{number}.jl");
        let path = folder.join(record.map_or_else(plain, |record| record.file_name(name, number)));
        // Nobody else takes a name of the record's spool: what is there was kept of an earlier one.
        if let Some(record) = record.filter(|_| !path.exists()) {
            record.add(name, number, start)?;
        }
        match create_file(&path) {
            Ok(file) => return Ok(Opened { number, path, file: BufWriter::new(file) }),
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
