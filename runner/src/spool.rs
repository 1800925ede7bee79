//! The lines of one output of a job on their way to the server: files that `RotatedFile` writes and
//! the sender reads. A line stays on the disk until the server has acknowledged it.

use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;

/// How much is read at once; a longer line is read whole.
pub(crate) const BATCH_BYTES: usize = 64 << 10;

/// The files of an output in the order in which they are written. All but the last are complete.
#[derive(Debug, Default)]
pub(crate) struct SpoolFiles(Mutex<Vec<PathBuf>>);

impl SpoolFiles {
    fn paths(&self) -> MutexGuard<'_, Vec<PathBuf>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Called after the file before it has been written out.
    pub(crate) fn add(&self, path: PathBuf) {
        self.paths().push(path);
    }
}

/// Reads an output from its first line on, and removes what is acknowledged.
#[derive(Debug)]
pub(crate) struct SpoolReader {
    files: Arc<SpoolFiles>,
    keep: bool,
    /// Index of the file that is read.
    index: usize,
    /// Where in it the first line begins that is not acknowledged, in bytes.
    position: u64,
    /// The number of that line.
    offset: i64,
    /// Bytes and lines that were read and are not acknowledged.
    pending: (u64, i64),
}

impl SpoolReader {
    /// With `keep` no file is removed.
    pub(crate) fn new(files: Arc<SpoolFiles>, keep: bool) -> Self {
        Self { files, keep, index: 0, position: 0, offset: 0, pending: (0, 0) }
    }

    /// Reads files that an earlier runner has left, each with the number of its first line. The
    /// server has the lines before `next`: files of such lines only are removed, but for `keep`.
    pub(crate) fn of_left(left: &[(PathBuf, i64)], next: i64, keep: bool) -> io::Result<Self> {
        let is_sent = |index: &usize| left.get(index + 1).is_some_and(|(_, start)| *start <= next);
        let index = (0..left.len()).find(|index| !is_sent(index)).unwrap_or_default();
        let paths = left.iter().map(|(path, _)| path.clone()).collect();
        let files = Arc::new(SpoolFiles(Mutex::new(paths)));
        let mut reader = Self { index, ..Self::new(files, keep) };
        left[..index].iter().try_for_each(|(path, _)| reader.remove(path))?;
        reader.offset = left.get(index).map_or(next, |(_, start)| *start);
        while reader.offset < next {
            let mut lines = reader.read()?;
            if lines.is_empty() {
                break;
            }
            lines.truncate(usize::try_from(next - reader.offset).unwrap_or(usize::MAX));
            reader.pending = size(&lines);
            reader.acknowledge();
        }
        Ok(reader)
    }

    /// How many whole lines are not acknowledged.
    pub(crate) fn count_rest(&self) -> io::Result<usize> {
        let (mut count, mut position) = (0, self.position);
        for path in self.files.paths().iter().skip(self.index) {
            loop {
                let lines = read_lines(path, position)?;
                if lines.is_empty() {
                    break;
                }
                count += lines.len();
                position += size(&lines).0;
            }
            position = 0;
        }
        Ok(count)
    }

    /// The number of the first line that is not acknowledged.
    pub(crate) fn offset(&self) -> i64 {
        self.offset
    }

    /// Whole lines that are not acknowledged, without line feeds, about [`BATCH_BYTES`] of them;
    /// none: there are no more for now. Repeated calls answer the same, with more that was written.
    pub(crate) fn read(&mut self) -> io::Result<Vec<Bytes>> {
        loop {
            let (path, is_complete) = {
                let paths = self.files.paths();
                let Some(path) = paths.get(self.index) else { return Ok(Vec::new()) };
                (path.clone(), self.index + 1 < paths.len())
            };
            let lines = read_lines(&path, self.position)?;
            if !lines.is_empty() || !is_complete {
                self.pending = size(&lines);
                return Ok(lines);
            }
            self.remove(&path)?;
            (self.index, self.position) = (self.index + 1, 0);
        }
    }

    /// The lines of the last [`Self::read`] are acknowledged.
    pub(crate) fn acknowledge(&mut self) {
        let (bytes, lines) = std::mem::take(&mut self.pending);
        self.position += bytes;
        self.offset += lines;
    }

    /// All lines are acknowledged, and none follows. The job's folder goes with its last file.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        let rest: Vec<PathBuf> = self.files.paths().iter().skip(self.index).cloned().collect();
        rest.iter().try_for_each(|path| self.remove(path))?;
        let folder = rest.first().and_then(|path| path.parent());
        if let Some(folder) = folder.filter(|_| !self.keep) {
            // It stays where other files are in it: of another output, or of an earlier attempt.
            let _ = fs::remove_dir(folder);
        }
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        if self.keep { Ok(()) } else { fs::remove_file(path) }
    }
}

/// Bytes in the file, and lines.
fn size(lines: &[Bytes]) -> (u64, i64) {
    let bytes = lines.iter().map(|line| line.len() as u64 + 1).sum();
    (bytes, i64::try_from(lines.len()).unwrap_or(i64::MAX))
}

fn read_lines(path: &Path, position: u64) -> io::Result<Vec<Bytes>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(position))?;
    let mut bytes = Vec::new();
    loop {
        let count = (&mut file).take(BATCH_BYTES as u64).read_to_end(&mut bytes)?;
        // A line whose end is not yet written comes later.
        if let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') {
            bytes.truncate(end);
            let all = Bytes::from(bytes);
            return Ok(all.split(|byte| *byte == b'\n').map(|line| all.slice_ref(line)).collect());
        }
        if count == 0 {
            return Ok(Vec::new());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rotated_file::RotatedFile;

    fn texts(lines: Vec<Bytes>) -> Vec<String> {
        lines.into_iter().map(|line| String::from_utf8(line.into()).unwrap()).collect()
    }

    #[test]
    fn lines_are_read_until_acknowledged_and_then_their_files_are_removed() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("1/2/3");
        let mut log = RotatedFile::create(&folder, "log", 8, None).unwrap();
        let items = RotatedFile::create(&folder, "items", 8, None).unwrap();
        let mut reader = SpoolReader::new(log.files(), false);
        assert!(reader.read().unwrap().is_empty());
        for line in ["123", "456", "7"] {
            log.write(line).unwrap();
        }
        assert_eq!(texts(reader.read().unwrap()), ["123", "456"]);
        assert_eq!(texts(reader.read().unwrap()), ["123", "456"], "not acknowledged");
        reader.acknowledge();
        assert_eq!(reader.offset(), 2);
        assert!(reader.read().unwrap().is_empty(), "the last line is not written out");
        assert!(!folder.join("log.1.jl").exists());
        log.flush().unwrap();
        assert_eq!(texts(reader.read().unwrap()), ["7"]);
        reader.acknowledge();
        assert_eq!(reader.offset(), 3);
        reader.finish().unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "the items");
        SpoolReader::new(items.files(), false).finish().unwrap();
        assert!(!folder.exists() && folder.parent().unwrap().exists());
    }

    #[test]
    fn a_long_line_is_read_whole_and_a_torn_one_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let long = "x".repeat(3 * BATCH_BYTES + 7);
        let mut log = RotatedFile::create(folder.path(), "log", 1 << 30, None).unwrap();
        let mut reader = SpoolReader::new(log.files(), true);
        log.write(&long).unwrap();
        let written = fs::metadata(folder.path().join("log.1.jl")).unwrap().len();
        assert!(written > 0, "a part of it is in the file");
        assert!(reader.read().unwrap().is_empty());
        log.flush().unwrap();
        assert_eq!(texts(reader.read().unwrap()), [long]);
        reader.acknowledge();
        reader.finish().unwrap();
        assert!(folder.path().join("log.1.jl").exists(), "it is kept");
    }

    #[test]
    fn what_is_left_is_read_from_the_line_that_the_server_lacks() {
        let texts_of = |next: i64, keep: bool| {
            let folder = tempfile::tempdir().unwrap();
            // The first file, with the lines 0 to 9, is gone. The last line is torn.
            let left = [("b", 10, "10\n11\n12\n"), ("c", 13, "13\n14\n1")];
            let left = left.map(|(name, start, text)| {
                let path = folder.path().join(name);
                fs::write(&path, text).unwrap();
                (path, start)
            });
            let mut reader = SpoolReader::of_left(&left, next, keep).unwrap();
            let (offset, rest) = (reader.offset(), reader.count_rest().unwrap());
            let mut lines = Vec::new();
            loop {
                let some = texts(reader.read().unwrap());
                if some.is_empty() {
                    break;
                }
                lines.extend(some);
                reader.acknowledge();
            }
            assert_eq!(lines.len(), rest);
            reader.finish().unwrap();
            (offset, lines.join(" "), left.iter().filter(|(path, _)| path.exists()).count())
        };
        let cases = [(10, "10 11 12 13 14"), (12, "12 13 14"), (13, "13 14"), (14, "14"), (15, "")];
        for (next, expected) in cases {
            assert_eq!(texts_of(next, false), (next, expected.to_owned(), 0));
            assert_eq!(texts_of(next, true), (next, expected.to_owned(), 2));
        }
        // The server has lost lines that it had acknowledged: it will say so.
        assert_eq!(texts_of(9, false), (10, "10 11 12 13 14".to_owned(), 0));
    }
}
