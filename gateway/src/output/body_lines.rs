//! Cuts the body of an upload into lines as it arrives, so that a body may be larger than memory.

use std::{collections::VecDeque, mem};

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use serde_json::value::RawValue;
use spiderq_core::limits::MAX_OUTPUT_LINE_BYTES;
use spiderq_proto::v1::OutputKind;

use crate::errors::Problem;

/// Bytes and lines after which a batch goes to the service, which takes several times that.
const BATCH_BYTES: usize = 1 << 20;
const BATCH_LINES: usize = 50_000;

/// Names that Python writes although JSON has no such numbers.
const NOT_NUMBERS: [&[u8]; 3] = [b"-Infinity", b"Infinity", b"NaN"];

/// The lines of a body so far.
#[derive(Debug)]
pub(crate) struct BodyLines {
    kind: OutputKind,
    /// The beginning of a line whose end has not come.
    rest: BytesMut,
    /// Lines of the body that were cut.
    count: usize,
    /// Those that no batch has had, each with its number in the body; the first line is 1.
    lines: VecDeque<(usize, Bytes)>,
    /// Bytes of these.
    bytes: usize,
}

/// Lines for one call.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) lines: Vec<Bytes>,
    /// The number of each in the body.
    pub(crate) numbers: Vec<usize>,
}

impl BodyLines {
    pub(crate) fn new(kind: OutputKind) -> Self {
        Self { kind, rest: BytesMut::new(), count: 0, lines: VecDeque::new(), bytes: 0 }
    }

    /// Adds what has arrived.
    pub(crate) fn add(&mut self, piece: &[u8]) -> Result<(), Problem> {
        let Some(end) = piece.iter().rposition(|byte| *byte == b'\n') else {
            self.rest.extend_from_slice(piece);
            return self.check_length(self.rest.len());
        };
        self.rest.extend_from_slice(&piece[..end]);
        let whole = mem::take(&mut self.rest).freeze();
        self.rest.extend_from_slice(&piece[end + 1..]);
        self.cut(&whole)?;
        self.check_length(self.rest.len())
    }

    /// The last line, which may have no line break.
    pub(crate) fn end(&mut self) -> Result<(), Problem> {
        let last = mem::take(&mut self.rest).freeze();
        self.cut(&last)
    }

    /// Bytes that are held.
    pub(crate) fn held_bytes(&self) -> usize {
        self.bytes + self.rest.len()
    }

    /// Whether a call has enough to do.
    pub(crate) fn has_batch(&self) -> bool {
        self.bytes >= BATCH_BYTES || self.lines.len() >= BATCH_LINES
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The next batch.
    pub(crate) fn take(&mut self) -> Batch {
        let (mut batch, mut bytes) = (Batch::default(), 0);
        while bytes < BATCH_BYTES
            && batch.lines.len() < BATCH_LINES
            && let Some((number, line)) = self.lines.pop_front()
        {
            bytes += line.len();
            batch.lines.push(line);
            batch.numbers.push(number);
        }
        self.bytes -= bytes;
        batch
    }

    fn cut(&mut self, whole: &Bytes) -> Result<(), Problem> {
        for line in whole.split(|byte| *byte == b'\n') {
            self.count += 1;
            let line = line.trim_ascii();
            self.check_length(line.len())?;
            match line.first() {
                None => {}
                // A sample is an array; of the other kinds an array has lines as its elements.
                Some(b'[') if self.kind != OutputKind::Samples => self.push_elements(line),
                Some(_) => self.push(finite(whole.slice_ref(line))),
            }
        }
        Ok(())
    }

    fn push_elements(&mut self, line: &[u8]) {
        let line = finite(Bytes::copy_from_slice(line));
        match serde_json::from_slice::<Vec<&RawValue>>(&line) {
            Ok(elements) => {
                for element in elements {
                    self.push(line.slice_ref(element.get().as_bytes()));
                }
            }
            // The service says what is wrong with it.
            Err(_) => self.push(line),
        }
    }

    fn push(&mut self, line: Bytes) {
        self.bytes += line.len();
        self.lines.push_back((self.count, line));
    }

    fn check_length(&self, length: usize) -> Result<(), Problem> {
        if length <= MAX_OUTPUT_LINE_BYTES {
            return Ok(());
        }
        let code = StatusCode::PAYLOAD_TOO_LARGE;
        let accepted = format!("a line must have at most {MAX_OUTPUT_LINE_BYTES} bytes");
        Err(Problem::of_field(code, "body", accepted))
    }
}

/// The line with `null` in place of `NaN` and `Infinity`, which the official client writes. It would
/// send a batch that is refused for one of them again and again, for a day.
fn finite(line: Bytes) -> Bytes {
    let may_have = |name: &&[u8]| line.windows(name.len()).any(|part| part == *name);
    if !NOT_NUMBERS[1..].iter().any(may_have) {
        return line;
    }
    let mut out = Vec::with_capacity(line.len());
    let (mut in_text, mut at) = (false, 0);
    while let Some(byte) = line.get(at) {
        let name = NOT_NUMBERS.iter().find(|name| !in_text && line[at..].starts_with(name));
        if let Some(name) = name {
            out.extend(b"null");
            at += name.len();
            continue;
        }
        in_text ^= *byte == b'"';
        let length = if in_text && *byte == b'\\' { 2 } else { 1 };
        let end = line.len().min(at + length);
        out.extend(&line[at..end]);
        at = end;
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(kind: OutputKind, body: &str, piece: usize) -> Vec<(usize, String)> {
        let mut lines = BodyLines::new(kind);
        body.as_bytes().chunks(piece).for_each(|piece| lines.add(piece).unwrap());
        lines.end().unwrap();
        let batch = lines.take();
        let texts = batch.lines.iter().map(|line| String::from_utf8_lossy(line).into_owned());
        batch.numbers.into_iter().zip(texts).collect()
    }

    #[test]
    fn lines_are_cut_however_they_arrive() {
        let body = "{\"a\": 1.0}\n\r\n  {\"b\":\"é\"}\r\n[{\"c\":1}, {\"d\":[2]}]\nx\n{\"e\":1}";
        let expected = [
            (1, r#"{"a": 1.0}"#),
            (3, r#"{"b":"é"}"#),
            (4, r#"{"c":1}"#),
            (4, r#"{"d":[2]}"#),
            (5, "x"),
            (6, r#"{"e":1}"#),
        ];
        let expected = expected.map(|(number, text)| (number, text.to_owned()));
        for piece in [1, 2, 3, 7, 1000] {
            assert_eq!(cut(OutputKind::Items, body, piece), expected, "{piece}");
        }
        assert_eq!(cut(OutputKind::Items, "", 1), []);
        assert_eq!(cut(OutputKind::Items, "[]\n", 9), []);
        assert_eq!(cut(OutputKind::Items, "[1\n", 9), [(1, "[1".to_owned())]);
        assert_eq!(cut(OutputKind::Samples, "[5,1]\n", 9), [(1, "[5,1]".to_owned())]);
    }

    #[test]
    fn numbers_that_json_has_not_become_null() {
        for (line, expected) in [
            (r#"{"a":NaN,"b":[Infinity,-Infinity]}"#, r#"{"a":null,"b":[null,null]}"#),
            (r#"{"NaN":"\"NaN","b":NaN}"#, r#"{"NaN":"\"NaN","b":null}"#),
            (r#"{"a":"Infinity\\","b":Infinity}"#, r#"{"a":"Infinity\\","b":null}"#),
            (r#"[{"a":NaN}]"#, r#"{"a":null}"#),
            (r#"{"a":"NaN"}"#, r#"{"a":"NaN"}"#),
        ] {
            assert_eq!(cut(OutputKind::Items, line, 100), [(1, expected.to_owned())]);
        }
    }

    #[test]
    fn a_line_has_a_limited_length_before_and_behind_its_end() {
        let mut lines = BodyLines::new(OutputKind::Items);
        lines.add(&vec![b'x'; MAX_OUTPUT_LINE_BYTES]).unwrap();
        let refused = lines.add(b"x").unwrap_err().into_message();
        assert_eq!(refused, "body: a line must have at most 1048576 bytes");
        let mut lines = BodyLines::new(OutputKind::Items);
        lines.add(&[&vec![b'x'; MAX_OUTPUT_LINE_BYTES + 1][..], b"\n"].concat()).unwrap_err();
    }

    #[test]
    fn a_batch_is_full_by_bytes_or_by_lines() {
        let mut lines = BodyLines::new(OutputKind::Items);
        lines.add(&"{}\n".repeat(BATCH_LINES - 1).into_bytes()).unwrap();
        assert!(!lines.has_batch());
        lines.add(b"{}\n").unwrap();
        assert!(lines.has_batch());
        let many = format!("[{}]\n", vec!["{}"; BATCH_LINES].join(","));
        lines.add(many.as_bytes()).unwrap();
        for _ in 0..2 {
            assert_eq!(lines.take().lines.len(), BATCH_LINES);
        }
        assert!(lines.is_empty() && !lines.has_batch());
        lines.add(&[&vec![b'x'; MAX_OUTPUT_LINE_BYTES][..], b"\n"].concat()).unwrap();
        assert!(lines.has_batch());
    }
}
