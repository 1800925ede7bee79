//! MessagePack, which the official client asks for where it has the library. A JSON integer that
//! needs more than 64 bits becomes a float, as MessagePack has no larger ones.

use super::json::Json;

/// Appends one object.
pub(super) fn write(value: &Json<'_>, out: &mut Vec<u8>) {
    match value {
        Json::Null => out.push(0xc0),
        Json::Bool(value) => out.push(0xc2 + u8::from(*value)),
        Json::Number(text) => write_number(text, out),
        Json::Text(text) => write_text(text, out),
        Json::Array(values) => {
            write_length(values.len(), [0x90, 0xdc, 0xdd], out);
            values.iter().for_each(|value| write(value, out));
        }
        Json::Object(fields) => {
            write_length(fields.len(), [0x80, 0xde, 0xdf], out);
            for (name, value) in fields {
                write_text(name, out);
                write(value, out);
            }
        }
    }
}

fn write_number(text: &str, out: &mut Vec<u8>) {
    if let Ok(number) = text.parse::<i64>() {
        return write_integer(number, out);
    }
    if let Ok(number) = text.parse::<u64>() {
        out.push(0xcf);
        return out.extend(number.to_be_bytes());
    }
    out.push(0xcb);
    out.extend(text.parse::<f64>().unwrap_or(f64::NAN).to_be_bytes());
}

/// In the fewest bytes.
fn write_integer(number: i64, out: &mut Vec<u8>) {
    if let -32..=127 = number {
        out.push(number.to_le_bytes()[0]);
    } else if let Ok(number) = u8::try_from(number) {
        out.extend([0xcc, number]);
    } else if let Ok(number) = i8::try_from(number) {
        out.extend([0xd0, number.to_be_bytes()[0]]);
    } else if let Ok(number) = u16::try_from(number) {
        out.push(0xcd);
        out.extend(number.to_be_bytes());
    } else if let Ok(number) = i16::try_from(number) {
        out.push(0xd1);
        out.extend(number.to_be_bytes());
    } else if let Ok(number) = u32::try_from(number) {
        out.push(0xce);
        out.extend(number.to_be_bytes());
    } else if let Ok(number) = i32::try_from(number) {
        out.push(0xd2);
        out.extend(number.to_be_bytes());
    } else {
        out.push(0xd3);
        out.extend(number.to_be_bytes());
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    match (text.len(), u8::try_from(text.len())) {
        (length @ ..32, _) => out.push(0xa0 + length.to_le_bytes()[0]),
        (_, Ok(length)) => out.extend([0xd9, length]),
        (length, Err(_)) => write_long_length(length, [0xda, 0xdb], out),
    }
    out.extend(text.as_bytes());
}

/// Of an array or map: the marks are those of up to 15 elements, of 16 bits and of 32.
fn write_length(length: usize, [few, short, long]: [u8; 3], out: &mut Vec<u8>) {
    match length {
        ..16 => out.push(few + length.to_le_bytes()[0]),
        _ => write_long_length(length, [short, long], out),
    }
}

fn write_long_length(length: usize, [short, long]: [u8; 2], out: &mut Vec<u8>) {
    match u16::try_from(length) {
        Ok(length) => {
            out.push(short);
            out.extend(length.to_be_bytes());
        }
        Err(_) => {
            // A line has at most a million bytes, so neither has it more elements.
            out.push(long);
            out.extend(u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(json: &str) -> Vec<u8> {
        let mut out = Vec::new();
        write(&Json::of(json.as_bytes()), &mut out);
        out
    }

    /// Another implementation reads the same value back.
    #[test]
    fn values_come_back() {
        let long = format!("\"{}\"", "é".repeat(200));
        let longer = format!("\"{}\"", "x".repeat(70_000));
        let many = format!("[{}]", vec!["1"; 70_000].join(","));
        let fields: Vec<_> = (0..20).map(|n| format!("\"f{n}\":{n}")).collect();
        let fields = format!("{{{}}}", fields.join(","));
        for json in [
            r#"{"a":[1,-1,1.5,true,false,null,"",{"é":"x"}],"b":{}}"#,
            "[0,127,128,255,256,65535,65536,4294967295,4294967296,9223372036854775807]",
            "[-1,-32,-33,-128,-129,-32768,-32769,-2147483648,-2147483649,-9223372036854775808]",
            "[18446744073709551615,1566311822568.0,-0.0,1e300]",
            "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]",
            "\"0123456789012345678901234567890\"",
            "\"01234567890123456789012345678901\"",
            &long,
            &longer,
            &many,
            &fields,
        ] {
            let expected: serde_json::Value = serde_json::from_str(json).unwrap();
            let found: serde_json::Value = rmp_serde::from_slice(&packed(json)).unwrap();
            assert_eq!(found, expected, "{json:.80}");
        }
    }

    #[test]
    fn integers_beyond_64_bits_become_floats() {
        let found: f64 = rmp_serde::from_slice(&packed("18446744073709551616")).unwrap();
        assert_eq!(found.to_bits(), 18_446_744_073_709_551_616_f64.to_bits());
    }

    #[test]
    fn integers_take_the_fewest_bytes() {
        let lengths = [("5", 1), ("-32", 1), ("-33", 2), ("200", 2), ("-200", 3), ("40000", 3)];
        for (json, length) in lengths {
            assert_eq!(packed(json).len(), length, "{json}");
        }
    }
}
