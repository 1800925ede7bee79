//! Bytes into lines, none of them longer than is good for us.

/// What comes out of a stream of bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A line, without its end.
    Whole(Vec<u8>),
    /// The start of a line that was longer than may be; the rest of it was dropped.
    Cut(Vec<u8>),
}

/// Splits bytes at line feeds as they come.
#[derive(Debug)]
pub(crate) struct Lines {
    part: Vec<u8>,
    most: usize,
    dropping: bool,
}

impl Lines {
    /// Of lines of at most `most` bytes.
    pub(crate) const fn new(most: usize) -> Self {
        Self { part: Vec::new(), most, dropping: false }
    }

    /// Takes the next bytes; the lines that end in them.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> Vec<Line> {
        let mut lines = Vec::new();
        while let Some(at) = bytes.iter().position(|byte| *byte == b'\n') {
            self.keep(&bytes[..at]);
            bytes = &bytes[at + 1..];
            lines.push(self.take());
        }
        self.keep(bytes);
        lines
    }

    /// What came after the last line feed.
    pub(crate) fn rest(&mut self) -> Option<Line> {
        (!self.part.is_empty()).then(|| self.take())
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = self.most - self.part.len();
        self.part.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.dropping |= bytes.len() > room;
    }

    fn take(&mut self) -> Line {
        let line = std::mem::take(&mut self.part);
        match std::mem::take(&mut self.dropping) {
            true => Line::Cut(line),
            false => Line::Whole(line),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Line {
        Line::Whole(text.as_bytes().to_vec())
    }

    #[test]
    fn lines_come_out_whole_however_their_bytes_come() {
        let mut lines = Lines::new(100);
        assert_eq!(lines.push(b"on"), []);
        assert_eq!(lines.push(b"e\ntwo\n\nth"), [whole("one"), whole("two"), whole("")]);
        assert_eq!(lines.push(b"ree"), []);
        assert_eq!(lines.rest(), Some(whole("three")));
        assert_eq!(lines.rest(), None);
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_and_the_next_is_whole() {
        let mut lines = Lines::new(4);
        assert_eq!(lines.push(b"1234\n12345\n"), [whole("1234"), Line::Cut(b"1234".to_vec())]);
        assert_eq!(lines.push(b"1234"), []);
        assert_eq!(lines.push(b"56"), []);
        assert_eq!(lines.push(b"7\n12\n"), [Line::Cut(b"1234".to_vec()), whole("12")]);
    }

    #[test]
    fn what_is_dropped_takes_no_memory() {
        let mut lines = Lines::new(1 << 20);
        for _ in 0..64 {
            lines.push(&[b'x'; 1 << 16]);
        }
        assert!(lines.part.capacity() <= 2 << 20);
        let Some(Line::Cut(line)) = lines.rest() else {
            panic!("not cut");
        };
        assert_eq!(line.len(), 1 << 20);
    }
}
