//! Larger metadata as Redis keeps it: JSON text, or compressed where that saves memory
//! (`spiderq_compression`). On the way to Redis and back these values are bytes.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Visitor};
use spiderq_compression::{compress, text};
use spiderq_core::error::{Error, Result};

use crate::{
    error::bad_reply,
    record::{Pairs, utf8},
};

/// A field or a value as scripts get it, in turn in a list.
#[derive(Debug)]
pub(crate) enum LargePart<'a> {
    Text(&'a str),
    Compressed(Vec<u8>),
}

impl<'a> LargePart<'a> {
    /// A value, compressed if that saves memory.
    pub(crate) fn value(json: &'a str) -> Self {
        compress(json).map_or(Self::Text(json), Self::Compressed)
    }
}

impl Serialize for LargePart<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Compressed(bytes) => serializer.serialize_bytes(bytes),
        }
    }
}

/// Bytes that a script answers with: MessagePack of Lua calls all strings text.
#[derive(Debug)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(reply: D) -> Result<Self, D::Error> {
        reply.deserialize_byte_buf(BytesVisitor)
    }
}

struct BytesVisitor;

impl Visitor<'_> for BytesVisitor {
    type Value = Bytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Bytes, E> {
        self.visit_bytes(text.as_bytes())
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Bytes, E> {
        Ok(Bytes(bytes.to_vec()))
    }
}

/// Names and values of larger metadata.
pub(crate) type LargePairs = Vec<(String, Vec<u8>)>;
/// The values of the fields that were asked for, in their order.
pub(crate) type LargeValues = Vec<Option<Vec<u8>>>;

/// Names and values that a script answers with in turn.
pub(crate) fn large_pairs(flat: Vec<Bytes>) -> Result<LargePairs> {
    if !flat.len().is_multiple_of(2) {
        return Err(bad_reply("a field without a value"));
    }
    let mut flat = flat.into_iter();
    let pairs = std::iter::from_fn(|| Some((flat.next()?, flat.next()?)));
    pairs.map(|(name, value)| Ok((utf8(name.0)?, value.0))).collect()
}

/// The JSON texts of larger metadata.
pub(crate) fn texts(pairs: LargePairs) -> Result<Pairs> {
    pairs.into_iter().map(|(name, value)| json(&name, value).map(|json| (name, json))).collect()
}

/// The JSON text of a field's value.
pub(crate) fn json(name: &str, value: Vec<u8>) -> Result<String> {
    text(value).map_err(|why| unreadable(name, why))
}

fn unreadable(name: &str, why: spiderq_compression::Unreadable) -> Error {
    bad_reply(format!("metadata {}: {why}", name.escape_debug()))
}
