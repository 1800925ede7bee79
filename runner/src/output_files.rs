//! The files that a job's output goes to, its log, its items and its requests, and how much may go
//! there: one job must not fill the disk of all.

use std::{io, path::Path, sync::Arc};

use spiderq_proto::v1::OutputKind;
use tokio::sync::Notify;

use crate::{
    rotated_file::RotatedFile,
    spool::{BATCH_BYTES, SpoolReader},
    spool_record::{Owner, SpoolRecord},
};

/// The outputs that are sent, and the names of their files.
pub(crate) const SENT: [(OutputKind, &str); 3] =
    [(OutputKind::Logs, LOG), (OutputKind::Items, ITEMS), (OutputKind::Requests, REQUESTS)];
const LOG: &str = "log";
const ITEMS: &str = "items";
const REQUESTS: &str = "requests";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    Log,
    Items,
    /// Kept only where they are sent to the server.
    Requests,
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
    requests: Option<RotatedFile>,
    /// Of what is sent.
    record: Option<Arc<SpoolRecord>>,
    /// Bytes since the sender was woken.
    unsent: usize,
    wake: Arc<Notify>,
    /// Bytes that may still be written to both; `None` once a line has found no room.
    left: Option<u64>,
}

impl OutputFiles {
    /// Files lie in `folder`; each is followed by the next at `rotate_bytes`, and all hold at most
    /// `max_bytes`. If the output is sent, it is recorded whose it is, and requests are kept too.
    pub(crate) fn create(
        folder: &Path,
        rotate_bytes: u64,
        max_bytes: u64,
        sent_by: Option<&Owner>,
    ) -> io::Result<Self> {
        let record = sent_by.map(|owner| SpoolRecord::create(folder, owner)).transpose()?;
        let record = record.map(Arc::new);
        let file = |name| RotatedFile::create(folder, name, rotate_bytes, record.clone());
        Ok(Self {
            requests: sent_by.map(|_| file(REQUESTS)).transpose()?,
            unsent: 0,
            wake: Arc::default(),
            log: file(LOG)?,
            items: file(ITEMS)?,
            record,
            left: Some(max_bytes),
        })
    }

    /// The record of what is sent.
    pub(crate) fn record(&self) -> Option<Arc<SpoolRecord>> {
        self.record.clone()
    }

    /// The first file of the log and the first of the items.
    pub(crate) fn paths(&self) -> [&Path; 2] {
        [self.log.path(), self.items.path()]
    }

    /// What reads the files for the server; with `keep` none is removed.
    pub(crate) fn readers(&self, keep: bool) -> Vec<(OutputKind, SpoolReader)> {
        let mut files = vec![(OutputKind::Logs, &self.log), (OutputKind::Items, &self.items)];
        files.extend(self.requests.as_ref().map(|file| (OutputKind::Requests, file)));
        let reader = |file: &RotatedFile| SpoolReader::new(file.files(), keep);
        files.into_iter().map(|(kind, file)| (kind, reader(file))).collect()
    }

    /// Notified when there is enough to send.
    pub(crate) fn wake(&self) -> Arc<Notify> {
        Arc::clone(&self.wake)
    }

    /// Whether the output is sent to the server, which then has it all.
    pub(crate) fn are_sent(&self) -> bool {
        self.requests.is_some()
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
        match (output, &mut self.requests) {
            (Output::Log, _) => self.log.write(line)?,
            (Output::Items, _) => self.items.write(line)?,
            (Output::Requests, Some(requests)) => requests.write(line)?,
            (Output::Requests, None) => {}
        }
        self.unsent += line.len() + 1;
        Ok(Stored::Written)
    }

    /// Adds a line to the log for which there is always room.
    pub(crate) fn write_last_words(&mut self, line: &str) -> io::Result<()> {
        self.log.write(line)
    }

    /// Hands buffered lines to the operating system.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.log.flush()?;
        self.items.flush()?;
        if let Some(requests) = &mut self.requests {
            requests.flush()?;
        }
        if self.unsent >= BATCH_BYTES {
            self.unsent = 0;
            self.wake.notify_one();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn log_and_items_share_the_room() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = OutputFiles::create(folder.path(), 4, 10, None).unwrap();
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
