//! Names of spiders.

use std::fmt;

use crate::error::{Error, Result};

/// 1 to 255 bytes of UTF-8 without control characters, and not only white space.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpiderName(String);

impl SpiderName {
    /// Checks length and characters.
    pub fn parse(text: &str) -> Result<Self> {
        if text.trim().is_empty() || text.len() > 255 || text.chars().any(char::is_control) {
            return Err(Error::invalid(
                "spider",
                "must be a spider's name: 1 to 255 bytes of text without control characters",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `script` where it names one (`py:NAME`), else `manual`.
    #[must_use]
    pub fn spider_type(&self) -> &'static str {
        if self.0.starts_with("py:") { "script" } else { "manual" }
    }
}

impl fmt::Display for SpiderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
