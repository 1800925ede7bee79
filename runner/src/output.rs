//! What a job's program prints: lines, and the last of them for who asks why it failed.

use std::collections::VecDeque;

use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    sync::mpsc,
};

use crate::{
    child::Output,
    lines::{Line, Lines},
};

/// Longest line, bytes; the rest of a longer one is dropped.
const LONGEST: usize = 64 << 10;
/// How much is kept of what came last.
const KEPT_LINES: usize = 40;
const KEPT_BYTES: usize = 8 << 10;

/// Reads both outputs; ends when both do.
pub(crate) fn lines_of(output: Output) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(64);
    tokio::spawn(forward(output.out, "[stdout] ", sender.clone()));
    tokio::spawn(forward(output.err, "[stderr] ", sender));
    receiver
}

async fn forward(
    mut pipe: impl AsyncRead + Unpin,
    prefix: &'static str,
    sender: mpsc::Sender<String>,
) {
    let mut lines = Lines::new(LONGEST);
    let mut bytes = vec![0; 16 << 10];
    loop {
        // An error is an end too.
        let count = pipe.read(&mut bytes).await.unwrap_or(0);
        let ended = match count {
            0 => lines.rest().into_iter().collect(),
            count => lines.push(&bytes[..count]),
        };
        for line in ended {
            let (Line::Whole(line) | Line::Cut(line)) = line;
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

/// The last lines, within bounds.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    lines: VecDeque<String>,
    bytes: usize,
}

impl Tail {
    pub(crate) fn push(&mut self, line: &str) {
        let mut end = line.len().min(KEPT_BYTES);
        while !line.is_char_boundary(end) {
            end -= 1;
        }
        self.bytes += end;
        self.lines.push_back(line[..end].to_owned());
        while self.lines.len() > KEPT_LINES || self.bytes > KEPT_BYTES {
            let gone = self.lines.pop_front();
            self.bytes -= gone.map_or(0, |line| line.len());
        }
    }

    pub(crate) fn text(&self) -> String {
        let lines: Vec<&str> = self.lines.iter().map(String::as_str).collect();
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_what_came_last_and_no_more() {
        let mut tail = Tail::default();
        for number in 0..100 {
            tail.push(&number.to_string());
        }
        let text = tail.text();
        assert!(text.starts_with("60\n61\n") && text.ends_with("\n99"), "{text}");
        tail.push(&"é".repeat(KEPT_BYTES));
        assert_eq!(tail.text().len(), KEPT_BYTES);
    }

    #[tokio::test]
    async fn lines_end_with_their_output() {
        let (sender, mut receiver) = mpsc::channel(9);
        forward(&b"one\n\xfftwo"[..], "> ", sender).await;
        assert_eq!(receiver.recv().await.as_deref(), Some("> one"));
        assert_eq!(receiver.recv().await.as_deref(), Some("> \u{fffd}two"));
        assert_eq!(receiver.recv().await, None);
    }
}
