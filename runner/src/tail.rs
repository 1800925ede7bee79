//! The last lines of a job's log, shown in the runner's log if the job fails.

use std::collections::VecDeque;

const MAX_LINES: usize = 40;
const MAX_BYTES: usize = 8 << 10;

/// Keeps both bounds by dropping the oldest lines and cutting a line that is too long.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    lines: VecDeque<String>,
    bytes: usize,
}

impl Tail {
    pub(crate) fn push(&mut self, line: &str) {
        let line = &line[..line.floor_char_boundary(MAX_BYTES)];
        self.bytes += line.len();
        self.lines.push_back(line.to_owned());
        while self.lines.len() > MAX_LINES || self.bytes > MAX_BYTES {
            let dropped = self.lines.pop_front();
            self.bytes -= dropped.map_or(0, |line| line.len());
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
    fn only_the_last_lines_are_kept() {
        let mut tail = Tail::default();
        for number in 0..100 {
            tail.push(&number.to_string());
        }
        let text = tail.text();
        assert!(text.starts_with("60\n61\n") && text.ends_with("\n99"), "{text}");
        tail.push(&"é".repeat(MAX_BYTES));
        assert_eq!(tail.text().len(), MAX_BYTES);
    }
}
