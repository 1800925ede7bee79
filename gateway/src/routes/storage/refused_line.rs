//! The response to one line of a body that is refused, among those to the other lines.

use crate::render::{Object, string};

/// `request` is the line as sent; text that is not JSON, or not all of it readable, goes in as a
/// string, so that the response is readable.
pub(super) fn refused_line(message: &str, text: &str) -> String {
    let request = match serde_json::from_str::<serde_json::Value>(text) {
        // In JSON, line breaks stand only between tokens.
        Ok(_) => text.replace(['\n', '\r'], " "),
        Err(_) => string(text),
    };
    let mut line = Object::new();
    line.text("error", message).raw("request", &request);
    line.finish()
}
