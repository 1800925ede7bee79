//! Names of spiders.

use std::fmt;

use super::short_text;
use crate::{error::Result, limits::MAX_SPIDER_NAME_BYTES};

/// A short text of at most [`MAX_SPIDER_NAME_BYTES`] that is not only white space.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpiderName(String);

impl SpiderName {
    /// Errors name the field `spider`.
    pub fn parse(text: &str) -> Result<Self> {
        // A name of white space alone is refused as an empty one is.
        let text = if text.trim().is_empty() { "" } else { text };
        short_text(text, MAX_SPIDER_NAME_BYTES, "spider", "must be a spider's name:").map(Self)
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the name of a script: `py:NAME`. No other code knows the prefix: callers
    /// read `spider_type` of the job.
    #[must_use]
    pub fn is_script(&self) -> bool {
        self.0.starts_with("py:")
    }

    /// `script` or `manual`.
    #[must_use]
    pub fn spider_type(&self) -> &'static str {
        if self.is_script() { "script" } else { "manual" }
    }
}

impl fmt::Display for SpiderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
