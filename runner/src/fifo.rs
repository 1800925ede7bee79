//! The named pipe that a job's program writes its messages to, read line by line.

use std::{io, path::Path};

use tokio::{
    io::AsyncReadExt as _,
    net::unix::pipe::{OpenOptions, Receiver, Sender},
};

use crate::{
    line_splitter::{Line, LineSplitter},
    message::MAX_LINE_BYTES,
    system::make_fifo,
};

const BUFFER_BYTES: usize = 64 << 10;

#[derive(Debug)]
pub(crate) struct Fifo {
    /// `None` once the pipe has ended.
    receiver: Option<Receiver>,
    /// Keeps the pipe from ending before a program has opened it.
    sender: Option<Sender>,
    buffer: Vec<u8>,
    lines: LineSplitter,
}

impl Fifo {
    /// Opens the pipe at both ends, so that the reader never waits for a writer.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        make_fifo(path)?;
        Ok(Self {
            receiver: Some(OpenOptions::new().open_receiver(path)?),
            sender: Some(OpenOptions::new().open_sender(path)?),
            buffer: vec![0; BUFFER_BYTES],
            lines: LineSplitter::new(MAX_LINE_BYTES),
        })
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.receiver.is_none()
    }

    /// The lines that the next bytes complete, perhaps none. May be dropped and called again; never
    /// ready once the pipe has ended.
    pub(crate) async fn read(&mut self) -> Vec<Line> {
        let Some(receiver) = &mut self.receiver else {
            return std::future::pending().await;
        };
        // A failed read ends the pipe too.
        match receiver.read(&mut self.buffer).await.unwrap_or(0) {
            0 => {
                self.receiver = None;
                self.lines.rest().into_iter().collect()
            }
            count => self.lines.push(&self.buffer[..count]),
        }
    }

    /// From now on the pipe ends when its last other writer closes it.
    pub(crate) fn release_writer(&mut self) {
        self.sender = None;
    }

    /// Ends the pipe, whoever still has it open.
    pub(crate) fn close(&mut self) {
        self.receiver = None;
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[tokio::test]
    async fn the_pipe_is_private_and_ends_with_its_last_writer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        let mut fifo = Fifo::create(&path).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(&path, "one\ntw").unwrap();
        assert_eq!(fifo.read().await, [Line::Whole(b"one".to_vec())]);
        assert!(!fifo.has_ended());
        fifo.release_writer();
        assert_eq!(fifo.read().await, [Line::Whole(b"tw".to_vec())]);
        assert!(fifo.has_ended());
    }
}
