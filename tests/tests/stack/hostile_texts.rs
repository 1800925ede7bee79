//! Texts that break keys, patterns, paths, scripts or statements where they are not escaped, and
//! how clients send them. The tests that use them are in the files of their behaviours:
//! each text is refused with a message that says what is accepted, or stored and found exactly.

use std::{fs, path::Path};

/// Each is one that something might take for another thing, or for another of them. The
/// short ones are data, escaped, so that the file shows what is in them.
pub(crate) fn hostile_texts() -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/hostile.json");
    let file = fs::read_to_string(file).unwrap();
    let mut texts: Vec<String> = serde_json::from_str(&file).unwrap();
    for length in [128, 129, 255, 256, 1024, 1025, 65_536] {
        texts.push("y".repeat(length));
        // The same but for its last byte.
        texts.push(format!("{}z", "y".repeat(length - 1)));
    }
    texts.push("é".repeat(64));
    texts.push("é".repeat(65));
    texts
}

/// What a name may be: so many bytes of text without control characters.
pub(crate) fn accepted(text: &str, most: usize) -> bool {
    !text.is_empty() && text.len() <= most && !text.chars().any(char::is_control)
}

/// In a query or a form.
pub(crate) fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Every byte of it in the form of a path, as clients send it.
pub(crate) fn in_path(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
