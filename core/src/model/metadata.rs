//! Free-form fields of a job: names and their JSON text.

use std::{borrow::Borrow, collections::BTreeMap};

use super::{JsonText, short_text};
use crate::{
    error::{Error, Result},
    limits::{MAX_FIELD_NAME_BYTES, MAX_METADATA_BYTES, bytes_text},
};

/// Bytes of memory that a name and a text take in a tree, beside their own: two `String`s, their
/// allocations, and free places of the tree.
pub const FIELD_MEMORY: usize = 96;

/// Name of a metadata field: a short text of at most [`MAX_FIELD_NAME_BYTES`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldName(String);

impl FieldName {
    /// Errors name the field `metadata`.
    pub fn parse(text: &str) -> Result<Self> {
        short_text(text, MAX_FIELD_NAME_BYTES, "metadata", "names of fields must be").map(Self)
    }

    /// Checks nothing: for a name that is written in the code or comes from a store.
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

/// Equal and ordered as its text.
impl Borrow<str> for FieldName {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

/// JSON values by the names of their fields, in the order of the names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata(BTreeMap<FieldName, JsonText>);

impl Metadata {
    /// As [`Metadata::insert`], for a name that is written in the code.
    pub fn set(&mut self, name: &str, value: JsonText) {
        self.0.insert(FieldName::known(name), value);
    }

    /// Sets a field, in place of the value that it had.
    pub fn insert(&mut self, name: FieldName, value: JsonText) {
        self.0.insert(name, value);
    }

    /// Removes a field; its value, if it had one.
    pub fn remove(&mut self, name: &str) -> Option<JsonText> {
        self.0.remove(name)
    }

    /// The value of a field; `None` where it is not set.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&JsonText> {
        self.0.get(name)
    }

    /// In the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&FieldName, &JsonText)> {
        self.0.iter()
    }

    /// Whether no field is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Removes the fields for which `keep` does not hold.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.0.retain(|name, _| keep(name.as_str()));
    }

    /// Sets all fields of `other`.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The bytes of all names and values, which limits and retention count.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.iter().map(|(name, value)| name.as_str().len() + value.as_str().len()).sum()
    }

    /// About the bytes of memory that it takes: many small fields take much more than their text.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.bytes() + self.0.len() * FIELD_MEMORY
    }

    /// More than [`MAX_METADATA_BYTES`] are [`Error::TooLarge`].
    pub fn check_size(&self) -> Result<()> {
        if self.bytes() > MAX_METADATA_BYTES {
            let limit = format!("must be at most {}", bytes_text(MAX_METADATA_BYTES));
            return Err(Error::too_large("metadata", limit));
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
