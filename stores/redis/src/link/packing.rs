//! A script's argument as the MessagePack that Redis's Lua reads. It knows no byte strings, but
//! takes any bytes for a text; and a byte string differs from a text of the same length in its
//! first byte alone.

use serde::Serialize;
use spiderq_core::error::{Error, Result};

/// As one map. Byte strings are packed as texts.
pub(crate) fn pack(argument: &impl Serialize) -> Result<Vec<u8>> {
    let mut packed = rmp_serde::to_vec_named(argument).map_err(Error::bug)?;
    bytes_to_texts(&mut packed);
    Ok(packed)
}

/// Goes from value to value: what is in an array or a map stands behind its head.
fn bytes_to_texts(packed: &mut [u8]) {
    let mut at = 0;
    while let Some(rest) = packed.get_mut(at..)
        && let Some((kind, behind)) = rest.split_first_mut()
    {
        // How many bytes the head of the value has behind its first, and whether they are the
        // length of what comes then.
        let (head, is_length) = match *kind {
            // Short integers, maps and arrays; nil and booleans.
            0x00..=0x9f | 0xc0 | 0xc2 | 0xc3 | 0xe0..=0xff => (0, false),
            0xa0..=0xbf => (usize::from(*kind & 0x1f), false),
            0xc4..=0xc6 => {
                *kind += 0xd9 - 0xc4;
                (1 << (*kind - 0xd9), true)
            }
            0xd9..=0xdb => (1 << (*kind - 0xd9), true),
            0xcc | 0xd0 => (1, false),
            0xcd | 0xd1 | 0xdc | 0xde => (2, false),
            0xca | 0xce | 0xd2 | 0xdd | 0xdf => (4, false),
            0xcb | 0xcf | 0xd3 => (8, false),
            // Nothing that is ever packed here.
            0xc1 | 0xc7..=0xc9 | 0xd4..=0xd8 => return,
        };
        let length = behind.get(..head).filter(|_| is_length).unwrap_or_default();
        let length = length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        at += 1 + head + length;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    struct Bytes(Vec<u8>);

    impl Serialize for Bytes {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(&self.0)
        }
    }

    #[derive(Serialize)]
    struct Argument<B> {
        text: String,
        numbers: Vec<i64>,
        unsigned: Vec<u64>,
        float: f64,
        nothing: Option<u8>,
        flag: bool,
        map: BTreeMap<String, Vec<u8>>,
        long: Vec<u16>,
        bytes: Vec<B>,
    }

    /// Each kind of value, with bytes inside that look like heads of byte strings.
    fn argument<B>(bytes: Vec<B>, text_bytes: usize) -> Argument<B> {
        Argument {
            text: "\u{c4}\u{105}".repeat(text_bytes),
            numbers: vec![-1, -60, -50_000, i64::MIN, i64::from(i32::MIN)],
            unsigned: vec![0, 0xc4, 0xc4c4, 0xc4c5_c6c4, u64::MAX],
            float: -1.5e300,
            nothing: None,
            flag: true,
            map: (0..20).map(|n| (n.to_string(), vec![0xc4, 0xc5])).collect(),
            long: vec![0xc4; 70_000],
            bytes,
        }
    }

    #[test]
    fn byte_strings_become_texts_and_nothing_else_changes() {
        for text_bytes in [0, 7, 60, 20_000] {
            for length in [0, 1, 31, 32, 255, 256, 65_535, 65_536] {
                let with_bytes = argument(vec![Bytes(vec![b'x'; length])], text_bytes);
                let packed = pack(&with_bytes).unwrap();
                // A short text has a shorter head than a byte string can have.
                let expected = argument(vec!["x".repeat(length)], text_bytes);
                let mut expected = rmp_serde::to_vec_named(&expected).unwrap();
                if length < 32 {
                    let head = expected.len() - length - 1;
                    expected.splice(head..=head, [0xd9, length as u8]);
                }
                assert!(packed == expected, "{text_bytes} and {length}");
            }
        }
    }
}
