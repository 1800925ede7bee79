//! JSON text that is carried, never interpreted.

use std::{collections::BTreeMap, fmt};

use serde_json::value::RawValue;

use crate::{
    error::{Error, Result},
    limits::MAX_JSON_DEPTH,
};

/// What a value that must be readable accepts ([`JsonText::is_readable`]).
pub const READABLE: &str =
    "must have no half characters like \"\\ud800\" and no numbers beyond 1.8e308";

/// Digits of a number that is surely below 1.8e308.
const MAX_PLAIN_DIGITS: usize = 300;

/// One valid JSON value, byte for byte as it was written, but for line breaks between its
/// tokens: a value that has any loses the white space between its tokens, so that it fits
/// a line. Nested at most [`MAX_JSON_DEPTH`] deep.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JsonText(String);

impl JsonText {
    /// `text` must be one JSON value; `NaN` and `Infinity` are none. Errors name the field
    /// `json`.
    pub fn parse(text: &str) -> Result<Self> {
        let raw: &RawValue = serde_json::from_str(text)
            .map_err(|error| Error::invalid("json", format!("must be JSON: {error}")))?;
        let scan = Scan::of(raw.get());
        if scan.depth > MAX_JSON_DEPTH {
            let limit = format!("must be nested at most {MAX_JSON_DEPTH} deep");
            return Err(Error::invalid("json", limit));
        }
        Ok(Self(if scan.breaks { compact(raw.get()) } else { raw.get().to_owned() }))
    }

    /// A JSON string.
    #[must_use]
    pub fn string(text: &str) -> Self {
        Self(serde_json::Value::from(text).to_string())
    }

    /// A JSON integer.
    #[must_use]
    pub fn integer(number: u64) -> Self {
        Self(number.to_string())
    }

    /// A JSON boolean.
    #[must_use]
    pub fn boolean(value: bool) -> Self {
        Self(value.to_string())
    }

    /// Checks nothing: for text from a store, which was checked when it was written.
    #[must_use]
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As text, without a copy.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }

    /// Whether programs can read all of it: JSON allows `"\ud800"`, which is half a character,
    /// and `1e400`, which is beyond every float.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        is_plain(&self.0) || serde_json::from_str::<serde_json::Value>(&self.0).is_ok()
    }

    /// The text of a JSON string; `None` for any other value.
    #[must_use]
    pub fn as_text(&self) -> Option<String> {
        serde_json::from_str(&self.0).ok()
    }
}

impl JsonText {
    /// The values of a JSON object by name: of strings the text, of others the JSON text. Nothing
    /// for any other value, or where programs can't read it.
    #[must_use]
    pub fn texts(&self) -> BTreeMap<String, String> {
        let values: BTreeMap<String, &RawValue> = match serde_json::from_str(&self.0) {
            Ok(values) => values,
            Err(_) => return BTreeMap::new(),
        };
        let text = |value: &RawValue| {
            serde_json::from_str(value.get()).unwrap_or_else(|_| value.get().to_owned())
        };
        values.into_iter().map(|(name, value)| (name, text(value))).collect()
    }

    /// Whether it is a JSON object.
    #[must_use]
    pub fn is_object(&self) -> bool {
        self.0.starts_with('{')
    }
}

impl fmt::Display for JsonText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What one pass over valid JSON finds.
struct Scan {
    depth: usize,
    breaks: bool,
}

impl Scan {
    fn of(json: &str) -> Self {
        let (mut depth, mut deepest, mut breaks) = (0_usize, 0, false);
        for (byte, in_string) in outside_strings(json) {
            match byte {
                b'[' | b'{' if !in_string => {
                    depth += 1;
                    deepest = deepest.max(depth);
                }
                b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
                b'\n' | b'\r' => breaks = true,
                _ => {}
            }
        }
        Self { depth: deepest, breaks }
    }
}

fn compact(json: &str) -> String {
    let kept = outside_strings(json)
        .filter(|(byte, in_string)| *in_string || !byte.is_ascii_whitespace())
        .map(|(byte, _)| byte)
        .collect();
    String::from_utf8(kept).unwrap_or_default()
}

/// The bytes of valid JSON, each with whether it is part of a string.
fn outside_strings(json: &str) -> impl Iterator<Item = (u8, bool)> {
    let (mut in_string, mut escaped) = (false, false);
    json.bytes().map(move |byte| {
        if !in_string {
            in_string = byte == b'"';
            return (byte, in_string);
        }
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_string = false,
            _ => {}
        }
        (byte, true)
    })
}

/// Whether a JSON text has neither an escape nor a number with an exponent or very many digits.
/// Most have none, and need not be decoded to be known as readable.
fn is_plain(text: &str) -> bool {
    let mut digits = 0;
    text.bytes().all(|byte| match byte {
        b'0'..=b'9' => {
            digits += 1;
            digits < MAX_PLAIN_DIGITS
        }
        b'\\' => false,
        b'e' | b'E' if digits > 0 => false,
        _ => {
            digits = 0;
            true
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_bytes() {
        for text in [
            "1566311822568.0",
            "18446744073709551616",
            "[]",
            "{}",
            "null",
            r#"{"b": [ ],"a":"\u00e9\/ é"}"#,
            "1E5",
            "-0.0",
        ] {
            assert_eq!(JsonText::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn half_characters_and_numbers_beyond_floats_are_not_readable() {
        let long = format!("1{}", "0".repeat(400));
        assert!(!JsonText::parse(&long).unwrap().is_readable());
        let is_readable = |text| JsonText::parse(text).unwrap().is_readable();
        for good in
            ["{}", r#"{"a":"\ud83d\ude00"}"#, "[1e308, -0.0, 18446744073709551616]", "1e-400"]
        {
            assert!(is_readable(good), "{good}");
        }
        for bad in
            [r#""\ud800""#, r#"{"a":["\udc00\ud800"]}"#, r#"{"\ud800":1}"#, "[1e400]", "-1E309"]
        {
            assert!(!is_readable(bad), "{bad}");
        }
    }

    #[test]
    fn the_values_of_an_object_are_texts() {
        let json =
            JsonText::parse(r#"{"a": "x\u00e9", "n": 1.0, "l": [1, 2], "z": null}"#).unwrap();
        let pairs = [("a", "xé"), ("l", "[1, 2]"), ("n", "1.0"), ("z", "null")];
        let expected = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(json.texts(), BTreeMap::from(expected));
        for other in ["[]", "3", "\"x\"", r#"{"\ud800": 1}"#] {
            assert_eq!(JsonText::parse(other).unwrap().texts(), BTreeMap::new(), "{other}");
        }
    }

    #[test]
    fn line_breaks_between_tokens_go() {
        let text = "{\n  \"a b\": [1,\r\n 2.50], \"c\\\" \": {}\n}";
        let kept = JsonText::parse(text).unwrap();
        assert_eq!(kept.as_str(), r#"{"a b":[1,2.50],"c\" ":{}}"#);
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in ["NaN", "Infinity", "-Infinity", "", "{", "1 2", "'a'", "[1,]"] {
            assert!(JsonText::parse(text).is_err(), "{text}");
        }
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(JsonText::parse(&deep(MAX_JSON_DEPTH)).is_ok());
        assert!(JsonText::parse(&deep(MAX_JSON_DEPTH + 1)).is_err());
    }
}
