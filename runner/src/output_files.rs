//! The files that a job's output goes to, its log and its items, and how much may go there: one job
//! must not fill the disk of all.

use std::{io, path::Path};

use crate::rotated_file::RotatedFile;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    Log,
    Items,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    Written,
    /// It is the first that found no room.
    LimitReached,
    /// It came after that one.
    Lost,
}

#[derive(Debug)]
pub(crate) struct OutputFiles {
    log: RotatedFile,
    items: RotatedFile,
    /// Bytes that may still be written to both; `None` once a line has found no room.
    left: Option<u64>,
}

impl OutputFiles {
    /// Files lie in `folder`; each is followed by the next at `rotate_bytes`, and all hold at most
    /// `max_bytes`.
    pub(crate) fn create(folder: &Path, rotate_bytes: u64, max_bytes: u64) -> io::Result<Self> {
        Ok(Self {
            log: RotatedFile::create(folder, "log", rotate_bytes)?,
            items: RotatedFile::create(folder, "items", rotate_bytes)?,
            left: Some(max_bytes),
        })
    }

    /// The first file of the log and the first of the items.
    pub(crate) fn paths(&self) -> [&Path; 2] {
        [self.log.path(), self.items.path()]
    }

    /// Whether a line has found no room.
    pub(crate) fn are_full(&self) -> bool {
        self.left.is_none()
    }

    /// Adds a line and a line feed, if there is room for it and was for all before it.
    pub(crate) fn write(&mut self, output: Output, line: &str) -> io::Result<Stored> {
        let Some(left) = self.left else {
            return Ok(Stored::Lost);
        };
        self.left = left.checked_sub(line.len() as u64 + 1);
        if self.left.is_none() {
            return Ok(Stored::LimitReached);
        }
        match output {
            Output::Log => self.log.write(line)?,
            Output::Items => self.items.write(line)?,
        }
        Ok(Stored::Written)
    }

    /// Adds a line to the log for which there is always room.
    pub(crate) fn write_last_words(&mut self, line: &str) -> io::Result<()> {
        self.log.write(line)
    }

    /// Hands buffered lines to the operating system.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.log.flush()?;
        self.items.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn log_and_items_share_the_room() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = OutputFiles::create(folder.path(), 4, 10).unwrap();
        let lines = [
            (Output::Log, "123", Stored::Written),
            (Output::Items, "12345", Stored::Written),
            (Output::Log, "", Stored::LimitReached),
            (Output::Items, "", Stored::Lost),
        ];
        for (output, line, stored) in lines {
            assert!(!files.are_full() || stored == Stored::Lost);
            assert_eq!(files.write(output, line).unwrap(), stored);
        }
        assert!(files.are_full());
        files.write_last_words("end").unwrap();
        files.flush().unwrap();
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!((read("log.1.jl"), read("log.2.jl")), ("123\n".into(), "end\n".into()));
        assert_eq!(read("items.1.jl"), "12345\n");
    }
}
