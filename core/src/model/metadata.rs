//! Free-form fields of a job: names and their JSON text.

use std::collections::BTreeMap;

use super::JsonText;
use crate::error::{Error, Result};

/// Name of a metadata field: 1 to 128 bytes of UTF-8 without control characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldName(String);

impl FieldName {
    /// Checks length and characters.
    pub fn parse(text: &str) -> Result<Self> {
        if text.is_empty() || text.len() > 128 || text.chars().any(char::is_control) {
            return Err(Error::invalid(
                "metadata",
                "names of fields must be 1 to 128 bytes of text without control characters",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// A name that is written in the code or was stored.
    #[must_use]
    pub fn known(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// FieldSelection by name, in the order of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata(BTreeMap<FieldName, JsonText>);

impl Metadata {
    /// Most [`Metadata::bytes`] of a job.
    pub const MAX_BYTES: usize = 1 << 20;

    /// Sets a field whose name is written in the code.
    pub fn set(&mut self, name: &str, value: JsonText) {
        self.0.insert(FieldName::known(name), value);
    }

    /// Sets a field.
    pub fn insert(&mut self, name: FieldName, value: JsonText) {
        self.0.insert(name, value);
    }

    /// Takes a field out.
    pub fn remove(&mut self, name: &str) -> Option<JsonText> {
        self.0.remove(&FieldName::known(name))
    }

    /// A field's value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&JsonText> {
        self.0.get(&FieldName::known(name))
    }

    /// In the order of names.
    pub fn iter(&self) -> impl Iterator<Item = (&FieldName, &JsonText)> {
        self.0.iter()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keeps just the fields for which `keep` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.0.retain(|name, _| keep(name.as_str()));
    }

    /// Takes over all fields of `other`.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The bytes of all names and values.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.iter().map(|(name, value)| name.as_str().len() + value.as_str().len()).sum()
    }

    /// More than [`Metadata::MAX_BYTES`] are an error.
    pub fn check_size(&self) -> Result<()> {
        if self.bytes() > Self::MAX_BYTES {
            return Err(Error::TooLarge {
                field: "metadata".to_owned(),
                message: "must be at most 1 MiB".to_owned(),
            });
        }
        Ok(())
    }
}

impl IntoIterator for Metadata {
    type Item = (FieldName, JsonText);
    type IntoIter = std::collections::btree_map::IntoIter<FieldName, JsonText>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromIterator<(FieldName, JsonText)> for Metadata {
    fn from_iter<I: IntoIterator<Item = (FieldName, JsonText)>>(fields: I) -> Self {
        Self(fields.into_iter().collect())
    }
}
