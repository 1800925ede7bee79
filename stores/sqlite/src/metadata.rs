//! Metadata as two columns, of which one is used: a JSON object whose values stand in it byte for
//! byte, or that object compressed, where this saves space (`spiderq_compression`).

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use spiderq_compression::{compress, decompress};
use spiderq_core::{
    error::Error,
    model::{FieldName, FieldSelection, JsonText, Metadata},
};

use crate::error::{Result, corrupt};

/// What the two columns hold.
#[derive(Debug)]
pub(crate) struct Columns {
    /// Empty if there is the other.
    pub(crate) text: String,
    pub(crate) compressed: Option<Vec<u8>>,
}

/// Of all metadata of a job.
pub(crate) fn encode(metadata: &Metadata) -> Columns {
    let text = object(metadata);
    match compress(&text) {
        None => Columns { text, compressed: None },
        compressed @ Some(_) => Columns { text: String::new(), compressed },
    }
}

/// The object's text.
fn object(metadata: &Metadata) -> String {
    let mut text = String::from("{");
    for (name, value) in metadata.iter() {
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

/// The fields of the object that `fields` asks for; the others are not copied.
pub(crate) fn decode(
    text: &str,
    compressed: Option<&[u8]>,
    fields: &FieldSelection,
) -> Result<Metadata> {
    match compressed {
        None => parse(text, fields),
        Some(compressed) if text.is_empty() => {
            parse(&decompress(compressed).map_err(Error::bug)?, fields)
        }
        Some(_) => Err(corrupt("metadata stand in two columns")),
    }
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

    #[test]
    fn large_metadata_are_in_one_column_only() {
        let mut metadata = Metadata::default();
        metadata.set("version", JsonText::string(&"1.0 ".repeat(100)));
        metadata.set("z", JsonText::string("z"));
        let Columns { text, compressed } = encode(&metadata);
        assert_eq!(text, "");
        let compressed = compressed.unwrap();
        assert!(compressed.len() < 100);
        let read = |text: &str, fields| decode(text, Some(&compressed), fields);
        assert_eq!(read("", &FieldSelection::Full).unwrap(), metadata);
        metadata.remove("z");
        assert_eq!(read("", &FieldSelection::Row).unwrap(), metadata);
        let refused = Error::from(read("{}", &FieldSelection::Full).unwrap_err());
        let why = "stored value is damaged: metadata stand in two columns";
        assert_eq!(refused.cause().unwrap(), why);
    }
}
