//! The one rule for short texts: names, tags and ids.

use crate::error::{Error, Result};

/// The text, if it is 1 to `max` bytes without control characters; else an error of `field`,
/// whose message begins with `must_be`.
pub fn short_text(text: &str, max: usize, field: &str, must_be: &str) -> Result<String> {
    if text.is_empty() || text.len() > max || text.chars().any(char::is_control) {
        let accepted = format!("{must_be} 1 to {max} bytes of text without control characters");
        return Err(Error::invalid(field, accepted));
    }
    Ok(text.to_owned())
}
