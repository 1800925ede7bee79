//! Metadata as two columns. `metadata` is a JSON object whose values stand in it byte for byte.
//! Where compression saves space (`spiderq_compression`), it has only the fields that every list
//! shows, and `compressed` has all others as one object: a list decompresses nothing.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use spiderq_compression::{MIN_TEXT_BYTES, compress, decompress};
use spiderq_core::{
    error::Error,
    model::{FieldName, FieldSelection, JsonText, Metadata},
};

use crate::error::{Result, corrupt};

/// What lists show beside [`FieldSelection::ROW`].
const SPIDER_ARGS: &str = "spider_args";

/// What the two columns hold.
#[derive(Debug)]
pub(crate) struct Columns {
    /// Empty if the other has all fields: those of lists are long, or a version before this one
    /// has written it.
    pub(crate) text: String,
    pub(crate) compressed: Option<Vec<u8>>,
}

/// Of all metadata of a job.
pub(crate) fn encode(metadata: &Metadata) -> Columns {
    let text = object(metadata, is_in_lists);
    if text.len() < MIN_TEXT_BYTES {
        let compressed = compress(&object(metadata, |name| !is_in_lists(name)));
        if compressed.is_some() {
            return Columns { text, compressed };
        }
    }
    let text = object(metadata, |_| true);
    match compress(&text) {
        None => Columns { text, compressed: None },
        compressed @ Some(_) => Columns { text: String::new(), compressed },
    }
}

/// Whether a field is one that every list shows.
fn is_in_lists(name: &str) -> bool {
    name == SPIDER_ARGS || FieldSelection::ROW.contains(&name)
}

/// Whether `fields` asks for more than every list shows.
pub(crate) fn is_more_than_lists(fields: &FieldSelection) -> bool {
    match fields {
        FieldSelection::Row => false,
        FieldSelection::Named(names) => names.iter().any(|name| !is_in_lists(name.as_str())),
        FieldSelection::Full => true,
    }
}

/// The text of an object of those fields whose names are `wanted`.
fn object(metadata: &Metadata, wanted: impl Fn(&str) -> bool) -> String {
    let mut text = String::from("{");
    for (name, value) in metadata.iter().filter(|(name, _)| wanted(name.as_str())) {
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str(JsonText::string(name.as_str()).as_str());
        text.push(':');
        text.push_str(value.as_str());
    }
    text.push('}');
    text
}

/// Those fields that `fields` asks for; the others are not copied. `compressed` is needed where
/// `text` is empty or `fields` [asks for more than lists](is_more_than_lists).
pub(crate) fn decode(
    text: &str,
    compressed: Option<&[u8]>,
    fields: &FieldSelection,
) -> Result<Metadata> {
    let compressed = compressed.filter(|_| text.is_empty() || is_more_than_lists(fields));
    let mut metadata = match (text, compressed) {
        ("", Some(_)) => Metadata::default(),
        _ => parse(text, fields)?,
    };
    if let Some(compressed) = compressed {
        metadata.extend(parse(&decompress(compressed).map_err(Error::bug)?, fields)?);
    }
    Ok(metadata)
}

fn parse(text: &str, fields: &FieldSelection) -> Result<Metadata> {
    let mut json = serde_json::Deserializer::from_str(text);
    Selected(fields).deserialize(&mut json).map_err(|_| corrupt("metadata"))
}

struct Selected<'a>(&'a FieldSelection);

impl<'de> DeserializeSeed<'de> for Selected<'_> {
    type Value = Metadata;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Metadata, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Selected<'_> {
    type Value = Metadata;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Metadata, A::Error> {
        let mut metadata = Metadata::default();
        while let Some(name) = object.next_key::<String>()? {
            if self.0.includes(&name) {
                let value: &RawValue = object.next_value()?;
                let value = JsonText::stored(value.get().to_owned());
                metadata.insert(FieldName::known(&name), value);
            } else {
                object.next_value::<IgnoredAny>()?;
            }
        }
        Ok(metadata)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out() {
        let metadata: Metadata = [
            ("a\"b\\", "1566311822568.0"),
            ("b", r#"{"z": [ ], "a":"\u00e9"}"#),
            ("é", "18446744073709551616"),
        ]
        .map(|(name, json)| (FieldName::known(name), JsonText::parse(json).unwrap()))
        .into_iter()
        .collect();
        let Columns { text, compressed } = encode(&metadata);
        assert_eq!(compressed, None);
        assert_eq!(decode(&text, None, &FieldSelection::Full).unwrap(), metadata);
        assert_eq!(decode(&text, None, &FieldSelection::Row).unwrap(), Metadata::default());
    }

    /// Compressible, and long enough to be compressed.
    fn long() -> JsonText {
        JsonText::string(&"1.0 ".repeat(100))
    }

    #[test]
    fn what_lists_show_is_not_compressed() {
        let mut row = Metadata::default();
        row.set("close_reason", JsonText::string("finished"));
        row.set("spider_args", JsonText::parse("{}").unwrap());
        let mut metadata = row.clone();
        metadata.set("scrapystats", long());
        let Columns { text, compressed } = encode(&metadata);
        assert_eq!(text, r#"{"close_reason":"finished","spider_args":{}}"#);
        let compressed = compressed.unwrap();
        assert!(compressed.len() < 100);
        let with = |name: &str| FieldSelection::Row.with(name);
        for (fields, expected) in [
            (FieldSelection::Full, &metadata),
            (with("spider_args"), &row),
            (with("spider_args").with("scrapystats"), &metadata),
        ] {
            assert_eq!(decode(&text, Some(&compressed), &fields).unwrap(), *expected);
        }
        // Lists do not look at it at all.
        assert_eq!(decode(&text, Some(b"damaged"), &with("spider_args")).unwrap(), row);
        assert!(decode(&text, Some(b"damaged"), &FieldSelection::Full).is_err());
    }

    #[test]
    fn where_what_lists_show_is_long_all_is_compressed() {
        let mut metadata = Metadata::default();
        metadata.set("version", long());
        metadata.set("z", JsonText::string("z"));
        let Columns { text, compressed } = encode(&metadata);
        assert_eq!(text, "");
        let compressed = compressed.unwrap();
        let read = |fields| decode("", Some(&compressed), fields).unwrap();
        assert_eq!(read(&FieldSelection::Full), metadata);
        metadata.remove("z");
        assert_eq!(read(&FieldSelection::Row), metadata);
    }

    #[test]
    fn no_text_at_all_is_damage() {
        assert!(decode("", None, &FieldSelection::Full).is_err());
    }
}
