//! Texts in a job's metadata, such as its arguments. The server keeps any JSON as it came; what no
//! Rust type holds, such as half of a surrogate pair or a number of too many digits, must not cost
//! the job its other arguments.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};
use serde_json::{Value, value::RawValue};

/// The members of an object; a value that is not a string is its JSON text. `None`: it is no
/// object.
pub(crate) fn members(json: &RawValue) -> Option<BTreeMap<String, String>> {
    let members: BTreeMap<Text, &RawValue> = serde_json::from_str(json.get()).ok()?;
    Some(members.into_iter().map(|(Text(name), value)| (name, text_of(value))).collect())
}

/// The elements of an array, likewise. `None`: it is no array.
pub(crate) fn elements(json: &RawValue) -> Option<Vec<String>> {
    let elements: Vec<&RawValue> = serde_json::from_str(json.get()).ok()?;
    Some(elements.into_iter().map(text_of).collect())
}

/// A string; `None`: it is another value.
pub(crate) fn string(json: &RawValue) -> Option<String> {
    serde_json::from_str(json.get()).ok().map(|Text(text)| text)
}

fn text_of(json: &RawValue) -> String {
    if let Some(text) = string(json) {
        return text;
    }
    match serde_json::from_str::<Value>(json.get()) {
        Ok(value) => value.to_string(),
        Err(_) => json.get().to_owned(),
    }
}

/// A string of JSON in which U+FFFD stands for what is no Unicode.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Only bytes may hold halves of surrogate pairs.
        deserializer.deserialize_bytes(Bytes)
    }
}

struct Bytes;

impl Visitor<'_> for Bytes {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Text, E> {
        Ok(Text(String::from_utf8_lossy(bytes).into_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> &RawValue {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn an_argument_that_cannot_be_read_leaves_the_others() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        let json = format!(
            r#"{{"a":"1","b":"x\ud800y","c":1e999,"\udfff":"é\u00e9","deep":{deep},"n":[1, 2]}}"#
        );
        let members = members(raw(&json)).unwrap();
        let half = "\u{fffd}".repeat(3);
        let (b, name) = (format!("x{half}y"), half.as_str());
        let expected = [
            ("a", "1"),
            ("b", b.as_str()),
            ("c", "1e999"),
            ("deep", deep.as_str()),
            ("n", "[1,2]"),
            (name, "éé"),
        ];
        assert_eq!(members, expected.map(|(n, v)| (n.to_owned(), v.to_owned())).into());
    }

    #[test]
    fn words_keep_their_places() {
        let json = r#"["a","\ud800",1e999,null,{"b": 1}]"#;
        let half = "\u{fffd}".repeat(3);
        let expected = ["a", half.as_str(), "1e999", "null", r#"{"b":1}"#];
        assert_eq!(elements(raw(json)).unwrap(), expected);
    }

    #[test]
    fn values_of_another_type_are_none() {
        for json in ["null", "1", "\"x\"", "true"] {
            assert_eq!((members(raw(json)), elements(raw(json))), (None, None), "{json}");
        }
        assert_eq!((members(raw("[1]")), string(raw("[1]"))), (None, None));
        assert_eq!(string(raw("\"x\"")).as_deref(), Some("x"));
    }
}
