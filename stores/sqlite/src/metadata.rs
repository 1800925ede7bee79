//! Metadata as one column: a JSON object whose values stand in it byte for byte.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use spiderq_core::model::{FieldName, FieldSelection, JsonText, Metadata};

use crate::error::{Result, corrupt};

/// The object's text.
pub(crate) fn encode(metadata: &Metadata) -> String {
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
pub(crate) fn decode(text: &str, fields: &FieldSelection) -> Result<Metadata> {
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
        let text = encode(&metadata);
        assert_eq!(decode(&text, &FieldSelection::Full).unwrap(), metadata);
        assert_eq!(decode(&text, &FieldSelection::Row).unwrap(), Metadata::default());
    }
}
