//! Slots of a Redis Cluster: which one a key is in, and which master has it as a node says.

use redis::{RedisResult, Value};

use super::url::Address;
use crate::error::not_connected;

/// A number below [`COUNT`].
pub(crate) type Slot = u16;
/// How many there are.
pub(crate) const COUNT: usize = 16_384;

/// The slot of `key`: of what stands in its first braces, if that is not empty.
pub(crate) fn of_key(key: &[u8]) -> Slot {
    let tag = key.iter().position(|byte| *byte == b'{').and_then(|open| {
        let rest = &key[open + 1..];
        let length = rest.iter().position(|byte| *byte == b'}')?;
        (length > 0).then(|| &rest[..length])
    });
    crc16(tag.unwrap_or(key)) % (COUNT as u16)
}

/// CRC-16/XMODEM. Bit by bit: what is hashed is a number of a few digits.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            let carry = crc & 0x8000 != 0;
            (crc << 1) ^ if carry { 0x1021 } else { 0 }
        })
    })
}

/// A master and slots of its.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) first: Slot,
    pub(crate) last: Slot,
    pub(crate) master: Address,
}

/// The answer to CLUSTER SLOTS of the node at `asked`.
pub(crate) fn ranges(answer: Value, asked: &Address) -> RedisResult<Vec<Range>> {
    let rows: Vec<Vec<Value>> = redis::from_redis_value(answer)?;
    let ranges: Vec<Range> = rows.into_iter().filter_map(|row| range(row, asked)).collect();
    if ranges.is_empty() {
        let text = "CLUSTERDOWN no slot is served";
        let down = redis::parse_redis_value(format!("-{text}\r\n").as_bytes())?;
        return Err(down.extract_error().err().unwrap_or_else(not_connected));
    }
    Ok(ranges)
}

fn range(row: Vec<Value>, asked: &Address) -> Option<Range> {
    let mut row = row.into_iter();
    let mut slot = || redis::from_redis_value::<Slot>(row.next()?).ok();
    let (first, last) = (slot()?, slot()?);
    let master: Vec<Value> = redis::from_redis_value(row.next()?).ok()?;
    let mut master = master.into_iter();
    let host: Option<String> = redis::from_redis_value(master.next()?).ok()?;
    let port = redis::from_redis_value(master.next()?).ok()?;
    let known = usize::from(first.max(last)) < COUNT;
    known.then(|| Range {
        first,
        last,
        master: address(host.as_deref().unwrap_or(""), port, asked),
    })
}

/// A node that does not know its own name means the one that it was asked by.
pub(crate) fn address(host: &str, port: u16, asked: &Address) -> Address {
    match (host, asked) {
        ("" | "?", Address::Tcp(host, _)) => Address::Tcp(host.clone(), port),
        _ => Address::Tcp(host.to_owned(), port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_redis() {
        // The example of the Cluster specification.
        assert_eq!(of_key(b"123456789"), 0x31c3);
        assert_eq!(of_key(b"sq:{7}:j:1/2"), of_key(b"7"));
        assert_eq!(of_key(b"a{}b"), crc16(b"a{}b") % 16_384);
    }

    #[test]
    fn a_node_without_a_name_is_the_one_that_was_asked() {
        let asked = Address::Tcp("10.0.0.1".to_owned(), 7000);
        let answer = b"*2\r\n*3\r\n:0\r\n:5\r\n*2\r\n$-1\r\n:7001\r\n\
            *3\r\n:6\r\n:16383\r\n*2\r\n$3\r\ntwo\r\n:7002\r\n";
        let range = |first, last, host: &str, port| Range {
            first,
            last,
            master: Address::Tcp(host.to_owned(), port),
        };
        let answer = redis::parse_redis_value(answer).unwrap();
        assert_eq!(
            ranges(answer, &asked).unwrap(),
            [range(0, 5, "10.0.0.1", 7001), range(6, 16383, "two", 7002)]
        );
        let none = ranges(Value::Array(Vec::new()), &asked).unwrap_err();
        assert_eq!(none.code(), Some("CLUSTERDOWN"));
    }
}
