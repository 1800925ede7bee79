//! How the stores keep large metadata: compressed by zstd with a dictionary, where that saves
//! memory. The one place that knows the format; both stores use it, and only for bytes at rest.
//! Whoever reads from a store gets the text back byte for byte, and limits, retention and pages
//! count the bytes of the text.
//!
//! # Format
//!
//! A stored value is either the text itself or, compressed:
//!
//! | bytes | content |
//! | --- | --- |
//! | 1 | [`MARK`], with which no UTF-8 text begins |
//! | 1 | the dictionary that it needs, from 1 on |
//! | 3 | length of the text in bytes, the highest byte first |
//! | rest | one zstd frame with a checksum of the text; it names neither dictionary nor length |
//!
//! The first five bytes mean the same in every version. The length is among them so that whoever
//! only counts need not decompress: so do the scripts of Redis, in
//! `stores/redis/src/lua/lib/stored_text.lua`.
//!
//! # When
//!
//! [`compress`] answers for texts from [`MIN_TEXT_BYTES`] to [`MAX_TEXT_BYTES`], and only where at
//! least an eighth is saved. Where a value belongs, as in which hash of Redis, must depend on its
//! text alone: another version of zstd may compress it to another length.
//!
//! # Damage
//!
//! A value that cannot be read is an [`Unreadable`], never a panic and never another text. The
//! length in front bounds the memory that decompression takes, and is itself bounded by
//! [`MAX_TEXT_BYTES`].
//!
//! # Dictionaries
//!
//! `stores/compression/dictionaries/1.dict` is made of samples by a program; docs/development.md
//! says how. Values name their dictionary, so one that was ever released stays as it is: another
//! one gets the next number.

mod context;
#[cfg(test)]
mod tests;

use spiderq_core::limits::{MAX_METADATA_BYTES, MAX_START_METADATA_BYTES};
use thiserror::Error;

/// The first byte of a compressed value.
pub const MARK: u8 = 0xfd;
/// Bytes of the shortest text that is compressed.
pub const MIN_TEXT_BYTES: usize = 256;
/// Bytes of the longest text that is compressed; a longer one is kept as it is. A job's metadata as
/// one object may have that many after a few starts.
pub const MAX_TEXT_BYTES: usize = 2 * MAX_METADATA_BYTES + MAX_START_METADATA_BYTES;

/// Bytes before the frame.
const HEADER_BYTES: usize = 5;
// The length must fit its three bytes.
const _: () = assert!(MAX_TEXT_BYTES < 1 << 24);

/// Why the text of a stored value cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unreadable {
    /// No version of the program has written these bytes.
    #[error("a stored value is damaged: {0}")]
    Damaged(&'static str),
    /// Another version may read it.
    #[error(
        "a value is compressed with dictionary {0}, which this program does not have: a newer \
         version has written it"
    )]
    NewerVersion(u8),
}

/// A result with [`Unreadable`].
pub type Result<T> = std::result::Result<T, Unreadable>;

/// The compressed value of `text`; `None` if it is to be kept as it is.
#[must_use]
pub fn compress(text: &str) -> Option<Vec<u8>> {
    let length = text.len();
    if !(MIN_TEXT_BYTES..=MAX_TEXT_BYTES).contains(&length) {
        return None;
    }
    let [.., high, middle, low] = length.to_be_bytes();
    let header = [MARK, context::WRITTEN, high, middle, low];
    let value = context::compress(&header, text.as_bytes())?;
    (value.len() <= length - length / 8).then_some(value)
}

/// The text of a stored value, compressed or not.
pub fn text(stored: Vec<u8>) -> Result<String> {
    if is_compressed(&stored) { decompress(&stored) } else { utf8(stored) }
}

/// How many bytes the text of a stored value has.
pub fn text_length(stored: &[u8]) -> Result<usize> {
    if is_compressed(stored) {
        header(stored).map(|header| header.text_length)
    } else {
        Ok(stored.len())
    }
}

/// Whether a stored value is a compressed one.
#[must_use]
pub fn is_compressed(stored: &[u8]) -> bool {
    stored.first() == Some(&MARK)
}

struct Header<'a> {
    dictionary: u8,
    text_length: usize,
    frame: &'a [u8],
}

fn header(stored: &[u8]) -> Result<Header<'_>> {
    let header = stored.split_at_checked(HEADER_BYTES);
    let Some((&[MARK, dictionary, high, middle, low], frame)) = header else {
        return Err(Unreadable::Damaged("it does not begin as one"));
    };
    if dictionary == 0 {
        return Err(Unreadable::Damaged("it names no dictionary"));
    }
    let length = u32::from_be_bytes([0, high, middle, low]);
    let text_length = usize::try_from(length).unwrap_or(usize::MAX);
    if text_length > MAX_TEXT_BYTES {
        return Err(Unreadable::Damaged("its text is longer than any"));
    }
    Ok(Header { dictionary, text_length, frame })
}

/// The text of a compressed value.
pub fn decompress(stored: &[u8]) -> Result<String> {
    let Header { dictionary, text_length, frame } = header(stored)?;
    if !context::is_known(dictionary) {
        return Err(Unreadable::NewerVersion(dictionary));
    }
    let text = context::decompress(dictionary, frame, text_length);
    let text = text.ok_or(Unreadable::Damaged("its frame cannot be decompressed"))?;
    if text.len() != text_length {
        return Err(Unreadable::Damaged("its text has another length"));
    }
    utf8(text)
}

fn utf8(text: Vec<u8>) -> Result<String> {
    String::from_utf8(text).map_err(|_| Unreadable::Damaged("its text is not UTF-8"))
}
