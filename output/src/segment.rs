//! Segments: objects of about 1 MiB of lines that never change.
//!
//! A segment begins with one line of JSON, its header, so that `head -1` shows what it is. The rest
//! is a zstd frame with a checksum. Its name has what a reader must know to pass it over:
//! `2-logs.0000000000000700-0000000000000000-40.zst` has the log lines before offset 700 from
//! offset 0 on, of the second attempt, and none of them is of a level above 40. The end comes
//! first, so that all segments that a reader needs follow the offset that it begins at.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use spiderq_core::error::{Error, Result};

use crate::{OutputId, OutputKind, Summary, summary::MAX_NAMED_LEVEL};

/// Level 3 takes twice as long to save 8 % of it.
const COMPRESSION_LEVEL: i32 = 1;
/// Digits of an offset in a name: as many as the largest number of the API has.
const DIGITS: usize = 16;
/// The format that this code writes, and the only one that it reads.
const FORMAT: u32 = 1;
/// Bytes that a segment may have when it is decompressed; what is larger is damaged.
const MAX_BYTES: u64 = 64 << 20;

/// Which lines a segment has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SegmentName {
    /// The offset after its last line.
    pub end: u64,
    /// The offset of its first line.
    pub start: u64,
    /// The highest level of its lines; higher ones than 99 count as that.
    pub max_level: i64,
}

impl SegmentName {
    /// As the name of an object, after the stem of the output.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { end, start, max_level } = self;
        format!("{end:0DIGITS$}-{start:0DIGITS$}-{max_level}.zst")
    }

    /// A text that comes before the names of all segments with lines from `offset` on, and after
    /// the names of all others.
    #[must_use]
    pub fn before(offset: u64) -> String {
        // `.` comes after `-`: segments that end at this offset are passed over.
        format!("{offset:0DIGITS$}.")
    }

    /// What [`SegmentName::text`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_suffix(".zst")?.split('-');
        let mut number = || parts.next()?.parse().ok();
        let (end, start): (u64, u64) = (number()?, number()?);
        let max_level = i64::try_from(number()?).ok()?;
        let name = Self { end, start, max_level };
        (start < end && name.text() == text).then_some(name)
    }
}

/// What a segment says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// [`FORMAT`].
    pub(crate) spiderq_output: u32,
    pub(crate) key: String,
    pub(crate) attempt: u32,
    pub(crate) kind: OutputKind,
    /// The offset of the first line.
    pub(crate) start: u64,
    /// All lines before the first one.
    pub(crate) before: Summary,
    /// The lines of the segment.
    pub(crate) own: Summary,
}

/// A segment of `lines`, each with a line break at its end.
pub(crate) fn encode(
    id: &OutputId,
    before: &Summary,
    own: &Summary,
    lines: &[u8],
) -> Result<(SegmentName, Bytes)> {
    let header = Header {
        spiderq_output: FORMAT,
        key: id.key.to_string(),
        attempt: id.attempt,
        kind: id.kind,
        start: before.lines,
        before: before.clone(),
        own: own.clone(),
    };
    let mut object = serde_json::to_vec(&header).map_err(Error::bug)?;
    object.push(b'\n');
    let mut compressor = zstd::bulk::Compressor::new(COMPRESSION_LEVEL).map_err(Error::bug)?;
    compressor.include_checksum(true).map_err(Error::bug)?;
    object.extend(compressor.compress(lines).map_err(Error::bug)?);
    let (start, end) = (before.lines, before.lines + own.lines);
    let max_level = own.max_level.clamp(0, MAX_NAMED_LEVEL);
    Ok((SegmentName { end, start, max_level }, object.into()))
}

/// What the segment says of itself, and where its frame begins.
pub(crate) fn header(object: &[u8]) -> Result<(Header, usize)> {
    let end = memchr::memchr(b'\n', object).ok_or_else(|| damaged("has no header"))?;
    let header: Header = serde_json::from_slice(&object[..end]).map_err(Error::damaged)?;
    if header.spiderq_output != FORMAT {
        return Err(damaged("has a format that this version does not know"));
    }
    Ok((header, end + 1))
}

/// The lines of a segment, each with a line break at its end.
pub(crate) fn lines(object: &[u8]) -> Result<Bytes> {
    let (header, frame) = header(object)?;
    let bytes = header.own.bytes + header.own.lines;
    if bytes > MAX_BYTES {
        return Err(damaged("says that it is larger than any is"));
    }
    let capacity = usize::try_from(bytes).map_err(Error::damaged)?;
    let text = zstd::bulk::decompress(&object[frame..], capacity).map_err(Error::damaged)?;
    if text.len() != capacity {
        return Err(damaged("is shorter than it says"));
    }
    Ok(text.into())
}

fn damaged(what: &str) -> Error {
    Error::damaged(format!("a segment of output {what}"))
}

#[cfg(test)]
mod tests {
    use spiderq_core::model::JobKey;

    use super::*;
    use crate::line;

    const LINES: &str = "{\"level\":20,\"time\":5}\n{\"level\":120}\n";

    fn id() -> OutputId {
        let key = JobKey::parse("53/7/81").unwrap();
        OutputId { key, attempt: 2, kind: OutputKind::Logs }
    }

    fn segment() -> (SegmentName, Bytes) {
        let before = Summary { lines: 700, bytes: 7, ..Summary::default() };
        let mut own = Summary::default();
        for text in LINES.lines() {
            line::add(OutputKind::Logs, text.as_bytes(), &mut own).unwrap();
        }
        encode(&id(), &before, &own, LINES.as_bytes()).unwrap()
    }

    #[test]
    fn a_segment_has_its_lines_and_says_what_they_are() {
        let (name, object) = segment();
        assert_eq!(name.text(), "0000000000000702-0000000000000700-99.zst");
        assert_eq!(SegmentName::parse(&name.text()), Some(name));
        let (header, _) = header(&object).unwrap();
        assert_eq!((header.start, header.before.bytes, header.own.lines), (700, 7, 2));
        assert_eq!((header.kind, header.key.as_str()), (OutputKind::Logs, "53/7/81"));
        assert_eq!(lines(&object).unwrap(), LINES);
    }

    #[test]
    fn a_segment_that_is_damaged_anywhere_is_not_read_as_another() {
        let (_, object) = segment();
        let (_, frame) = header(&object).unwrap();
        for at in frame..object.len() {
            let mut bad = object.to_vec();
            bad[at] ^= 1;
            assert!(matches!(lines(&bad), Err(Error::Damaged(_))), "{at}");
            assert!(matches!(lines(&object[..at]), Err(Error::Damaged(_))), "{at}");
        }
        assert!(matches!(lines(&object[..10]), Err(Error::Damaged(_))));
    }

    #[test]
    fn names_sort_by_their_end_and_an_offset_finds_those_with_lines_from_it_on() {
        let name = |start, end| SegmentName { end, start, max_level: 20 }.text();
        let names = [name(0, 10), name(10, 20), name(20, 1_000)];
        let found = |offset| {
            let before = SegmentName::before(offset);
            names.iter().filter(|name| **name > before).count()
        };
        assert_eq!([0, 9, 10, 19, 20, 999, 1_000].map(found), [3, 3, 2, 2, 1, 1, 0]);
    }

    #[test]
    fn other_names_are_no_segments() {
        for text in [
            "tail",
            "0000000000000702-0000000000000700.zst",
            "702-700-40.zst",
            "0000000000000700-0000000000000700-40.zst",
            "0000000000000702-0000000000000700-40.zst.tmp",
            "0000000000000702-0000000000000700--1.zst",
            "0000000000000702-0000000000000700-040.zst",
        ] {
            assert_eq!(SegmentName::parse(text), None, "{text}");
        }
    }
}
