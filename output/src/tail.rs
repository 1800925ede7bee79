//! The tail of an output: its newest lines, as they were appended.
//!
//! A tail is a header and records, all numbers little-endian:
//!
//! - header: `SPQTAIL1`, offset of the first line (u64), length of the JSON (u32), CRC-32 of what
//!   comes between `SPQTAIL1` and the CRC and of the JSON (u32), JSON ([`Header`]);
//! - record: length of the JSON (u32), length of the lines (u32), CRC-32 of JSON and lines (u32),
//!   JSON ([`Record`]), lines with a line break after each.
//!
//! A record is what one append wrote. What follows the last whole record was not acknowledged.

use bytes::{Buf as _, Bytes};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use spiderq_core::error::{Error, Result};

use crate::{OutputId, Summary};

const MAGIC: &[u8; 8] = b"SPQTAIL1";
/// Bytes of a header before its JSON.
const HEADER: usize = 24;
/// Bytes of a record before its JSON.
const RECORD: usize = 12;

/// What a tail says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// All lines before the first one of the tail.
    pub(crate) before: Summary,
    /// The kept fence of whoever appended last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) holder: Option<String>,
}

/// What a record says of its lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) own: Summary,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) holder: Option<String>,
}

/// Lines of one record, each with a line break at its end, and the offset of the first one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lines {
    pub(crate) start: u64,
    pub(crate) own: Summary,
    pub(crate) text: Bytes,
}

/// A tail, or its beginning up to the last whole record.
#[derive(Clone, Debug)]
pub(crate) struct Tail {
    pub(crate) header: Header,
    pub(crate) records: Vec<Lines>,
    /// Of whoever appended last.
    pub(crate) holder: Option<String>,
    /// Bytes up to the end of the last whole record.
    pub(crate) len: usize,
}

impl Tail {
    /// The offset of its first line.
    pub(crate) const fn start(&self) -> u64 {
        self.header.before.lines
    }

    /// The lines of all records.
    pub(crate) fn own(&self) -> Summary {
        let mut own = Summary::default();
        self.records.iter().for_each(|record| own.add(&record.own));
        own
    }

    /// Reads a tail. What follows the last whole record is left out.
    pub(crate) fn parse(id: &OutputId, bytes: &Bytes) -> Result<Self> {
        let damaged = || Error::damaged(format!("the tail of {id} has no good header"));
        let (header, len) = header(bytes).ok_or_else(damaged)?;
        let mut tail = Self { holder: header.holder.clone(), header, records: Vec::new(), len };
        let mut rest = records(bytes.slice(len..), tail.start());
        for (record, lines) in rest.by_ref() {
            tail.holder = record.holder.or(tail.holder);
            tail.records.push(lines);
        }
        tail.len += rest.passed;
        Ok(tail)
    }
}

/// Offset of the first line of the tail that begins with `bytes`, if they are 16 or more.
pub(crate) fn start_of(bytes: &[u8]) -> Option<u64> {
    let (magic, rest) = bytes.split_at_checked(MAGIC.len())?;
    let start = rest.first_chunk::<8>().map(|start| u64::from_le_bytes(*start));
    start.filter(|_| magic == MAGIC)
}

/// Bytes of a tail that [`start_of`] needs.
pub(crate) const START_BYTES: usize = 16;

fn header(bytes: &Bytes) -> Option<(Header, usize)> {
    let start = start_of(bytes)?;
    let mut rest = bytes.slice(START_BYTES..);
    let length = rest.try_get_u32_le().ok()?;
    let crc = rest.try_get_u32_le().ok()?;
    let json = rest.get(..length as usize)?;
    let is_good = header_crc(start, json) == crc;
    let header: Header = serde_json::from_slice(json).ok().filter(|_| is_good)?;
    (header.before.lines == start).then(|| (header, HEADER + length as usize))
}

fn header_crc(start: u64, json: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&start.to_le_bytes());
    crc.update(&(u32::try_from(json.len()).unwrap_or(u32::MAX)).to_le_bytes());
    crc.update(json);
    crc.finalize()
}

/// The beginning of a tail.
pub(crate) fn encode_header(header: &Header) -> Result<Vec<u8>> {
    let json = serde_json::to_vec(header).map_err(Error::bug)?;
    let length = u32::try_from(json.len()).map_err(Error::bug)?;
    let start = header.before.lines;
    let mut bytes = Vec::with_capacity(HEADER + json.len());
    bytes.extend(MAGIC);
    bytes.extend(start.to_le_bytes());
    bytes.extend(length.to_le_bytes());
    bytes.extend(header_crc(start, &json).to_le_bytes());
    bytes.extend(json);
    Ok(bytes)
}

/// A record of `lines`.
pub(crate) fn encode_record(record: &Record, lines: &[Bytes]) -> Result<Bytes> {
    let json = serde_json::to_vec(record).map_err(Error::bug)?;
    let length: usize = lines.iter().map(|line| line.len() + 1).sum();
    let mut bytes = Vec::with_capacity(RECORD + json.len() + length);
    bytes.extend(u32::try_from(json.len()).map_err(Error::bug)?.to_le_bytes());
    bytes.extend(u32::try_from(length).map_err(Error::bug)?.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(json);
    for line in lines {
        bytes.extend_from_slice(line);
        bytes.push(b'\n');
    }
    let crc = crc32fast::hash(&bytes[RECORD..]);
    bytes[RECORD - 4..RECORD].copy_from_slice(&crc.to_le_bytes());
    Ok(bytes.into())
}

/// The whole records at the beginning of `bytes`, the first of which begins at offset `start`.
pub(crate) const fn records(bytes: Bytes, start: u64) -> Records {
    Records { bytes, start, passed: 0 }
}

/// Goes over records.
#[derive(Debug)]
pub(crate) struct Records {
    bytes: Bytes,
    /// Offset of the next line.
    start: u64,
    /// Bytes of the records so far.
    pub(crate) passed: usize,
}

impl Iterator for Records {
    type Item = (Record, Lines);

    fn next(&mut self) -> Option<Self::Item> {
        let mut rest = self.bytes.clone();
        let json_length = rest.try_get_u32_le().ok()? as usize;
        let length = rest.try_get_u32_le().ok()? as usize;
        let crc = rest.try_get_u32_le().ok()?;
        let body = rest.get(..json_length.checked_add(length)?)?;
        let is_whole = crc32fast::hash(body) == crc;
        let record: Record = parse_json(&body[..json_length]).filter(|_| is_whole)?;
        let text = rest.slice(json_length..json_length + length);
        let lines = Lines { start: self.start, own: record.own.clone(), text };
        self.start += record.own.lines;
        let passed = RECORD + json_length + length;
        self.passed += passed;
        self.bytes.advance(passed);
        Some((record, lines))
    }
}

fn parse_json<T: DeserializeOwned>(json: &[u8]) -> Option<T> {
    serde_json::from_slice(json).ok()
}

#[cfg(test)]
mod tests {
    use spiderq_core::model::JobKey;

    use super::*;
    use crate::OutputKind;

    fn id() -> OutputId {
        let key = JobKey::parse("53/7/81").unwrap();
        OutputId { key, attempt: 1, kind: OutputKind::Logs }
    }

    fn record(lines: &[&str], holder: &str) -> Bytes {
        let lines: Vec<Bytes> = lines.iter().map(|line| Bytes::from((*line).to_owned())).collect();
        let own = Summary { lines: lines.len() as u64, ..Summary::default() };
        encode_record(&Record { own, holder: Some(holder.to_owned()) }, &lines).unwrap()
    }

    fn tail() -> Vec<u8> {
        let before = Summary { lines: 7, ..Summary::default() };
        let mut bytes = encode_header(&Header { before, holder: None }).unwrap();
        bytes.extend(record(&["{}", "{\"a\":1}"], "x"));
        bytes.extend(record(&["{\"b\":2}"], "y"));
        bytes
    }

    #[test]
    fn a_tail_has_the_records_that_were_appended_to_it() {
        let bytes = tail();
        assert_eq!(start_of(&bytes), Some(7));
        let tail = Tail::parse(&id(), &bytes.clone().into()).unwrap();
        assert_eq!((tail.start(), tail.own().lines, tail.len), (7, 3, bytes.len()));
        assert_eq!(tail.holder.as_deref(), Some("y"));
        let lines: Vec<_> = tail.records.iter().map(|one| (one.start, one.text.clone())).collect();
        assert_eq!(lines, [(7, "{}\n{\"a\":1}\n".into()), (9, "{\"b\":2}\n".into())]);
    }

    #[test]
    fn a_tail_that_is_cut_anywhere_has_its_whole_records() {
        let bytes = Bytes::from(tail());
        let header = Tail::parse(&id(), &bytes).unwrap();
        let first = Tail::parse(&id(), &bytes.slice(..bytes.len() - 1)).unwrap();
        assert_eq!(first.records, header.records[..1]);
        for length in 0..bytes.len() {
            match Tail::parse(&id(), &bytes.slice(..length)) {
                Ok(tail) => assert!(
                    tail.len <= length && tail.records == header.records[..tail.records.len()],
                    "{length}"
                ),
                Err(error) => assert!(matches!(error, Error::Damaged(_)) && length < first.len),
            }
        }
    }

    #[test]
    fn a_record_with_a_wrong_byte_ends_the_tail() {
        let bytes = tail();
        let whole = Tail::parse(&id(), &bytes.clone().into()).unwrap();
        let first = Tail::parse(&id(), &Bytes::from(bytes.clone()).slice(..bytes.len() - 1));
        for at in first.unwrap().len..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            let tail = Tail::parse(&id(), &bad.into()).unwrap();
            assert_eq!(tail.records, whole.records[..1], "{at}");
        }
    }
}
