//! Splits a stream of bytes into lines of bounded length.

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Without its line feed.
    Whole(Vec<u8>),
    /// The first bytes of a line that was too long; the rest of it was dropped.
    Cut(Vec<u8>),
}

/// Holds at most `max_bytes` of an unfinished line, however long the line is.
#[derive(Debug)]
pub(crate) struct LineSplitter {
    part: Vec<u8>,
    max_bytes: usize,
    dropping: bool,
}

impl LineSplitter {
    pub(crate) const fn new(max_bytes: usize) -> Self {
        Self { part: Vec::new(), max_bytes, dropping: false }
    }

    /// The lines that `bytes` complete.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> Vec<Line> {
        let mut lines = Vec::new();
        while let Some(at) = bytes.iter().position(|byte| *byte == b'\n') {
            self.append(&bytes[..at]);
            bytes = &bytes[at + 1..];
            lines.push(self.take());
        }
        self.append(bytes);
        lines
    }

    /// The unfinished line at the end of the stream, if there is one.
    pub(crate) fn rest(&mut self) -> Option<Line> {
        (!self.part.is_empty()).then(|| self.take())
    }

    fn append(&mut self, bytes: &[u8]) {
        let room = self.max_bytes - self.part.len();
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
    fn lines_come_out_whole_in_whatever_pieces_their_bytes_come() {
        let mut splitter = LineSplitter::new(100);
        assert_eq!(splitter.push(b"on"), []);
        assert_eq!(splitter.push(b"e\ntwo\n\nth"), [whole("one"), whole("two"), whole("")]);
        assert_eq!(splitter.push(b"ree"), []);
        assert_eq!(splitter.rest(), Some(whole("three")));
        assert_eq!(splitter.rest(), None);
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_and_the_next_is_whole() {
        let mut splitter = LineSplitter::new(4);
        assert_eq!(splitter.push(b"1234\n12345\n"), [whole("1234"), Line::Cut(b"1234".to_vec())]);
        assert_eq!(splitter.push(b"1234"), []);
        assert_eq!(splitter.push(b"56"), []);
        assert_eq!(splitter.push(b"7\n12\n"), [Line::Cut(b"1234".to_vec()), whole("12")]);
    }

    #[test]
    fn dropped_bytes_take_no_memory() {
        let mut splitter = LineSplitter::new(1 << 20);
        for _ in 0..64 {
            splitter.push(&[b'x'; 1 << 16]);
        }
        assert!(splitter.part.capacity() <= 2 << 20);
        let Some(Line::Cut(line)) = splitter.rest() else {
            panic!("the line was not cut");
        };
        assert_eq!(line.len(), 1 << 20);
    }
}
