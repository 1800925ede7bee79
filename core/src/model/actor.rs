//! Who caused a state entry: the name in `scheduled_by`, `started_by`, `completed_by` and
//! `deleted_by`.

use std::fmt;

use super::short_text;
use crate::{error::Result, limits::MAX_OWNER_NAME_BYTES};

/// Name of an API key's owner: a short text of at most [`MAX_OWNER_NAME_BYTES`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Actor(String);

impl Actor {
    /// Errors name the field `name`.
    pub fn parse(text: &str) -> Result<Self> {
        short_text(text, MAX_OWNER_NAME_BYTES, "name", "must be").map(Self)
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
