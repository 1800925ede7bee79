//! The lines that a job's program prints to its standard output and standard error.

use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    sync::mpsc,
};

use crate::{
    child::Output,
    line_splitter::{Line, LineSplitter},
};

/// How lines of the two outputs begin.
pub(crate) const STDOUT_PREFIX: &str = "[stdout] ";
pub(crate) const STDERR_PREFIX: &str = "[stderr] ";
/// The rest of a longer line is dropped.
const MAX_LINE_BYTES: usize = 64 << 10;
const BUFFER_BYTES: usize = 16 << 10;
/// A program that prints faster than its lines are stored waits.
const QUEUED_LINES: usize = 64;

/// Lines that begin with [`STDOUT_PREFIX`] or [`STDERR_PREFIX`]. The channel closes when both
/// outputs have ended.
pub(crate) fn read_lines(output: Output) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(QUEUED_LINES);
    tokio::spawn(forward(output.out, STDOUT_PREFIX, sender.clone()));
    tokio::spawn(forward(output.err, STDERR_PREFIX, sender));
    receiver
}

async fn forward(
    mut output: impl AsyncRead + Unpin,
    prefix: &'static str,
    sender: mpsc::Sender<String>,
) {
    let mut splitter = LineSplitter::new(MAX_LINE_BYTES);
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        // A failed read ends the output too.
        let count = output.read(&mut buffer).await.unwrap_or(0);
        let lines = match count {
            0 => splitter.rest().into_iter().collect(),
            count => splitter.push(&buffer[..count]),
        };
        for Line::Whole(line) | Line::Cut(line) in lines {
            let text = format!("{prefix}{}", String::from_utf8_lossy(&line));
            if sender.send(text).await.is_err() {
                return;
            }
        }
        if count == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_line_needs_no_line_feed() {
        let (sender, mut receiver) = mpsc::channel(9);
        forward(&b"one\n\xfftwo"[..], "> ", sender).await;
        assert_eq!(receiver.recv().await.as_deref(), Some("> one"));
        assert_eq!(receiver.recv().await.as_deref(), Some("> \u{fffd}two"));
        assert_eq!(receiver.recv().await, None);
    }
}
