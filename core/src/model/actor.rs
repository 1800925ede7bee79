//! Who did it: the name in `scheduled_by`, `started_by`, `completed_by`, `deleted_by`.

use std::fmt;

use crate::error::{Error, Result};

/// Name of an API key's owner: 1 to 64 bytes of UTF-8 without control characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Actor(String);

impl Actor {
    /// Checks length and characters.
    pub fn parse(text: &str) -> Result<Self> {
        if text.is_empty() || text.len() > 64 || text.chars().any(char::is_control) {
            return Err(Error::invalid(
                "name",
                "must be 1 to 64 bytes of text without control characters",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
