//! JSON as Python writes it, with NaN and Infinity, which are not JSON and become null.

use std::borrow::Cow;

use serde::de::IgnoredAny;

/// `text` as it is if it is a JSON value; else with each NaN and Infinity replaced by `null`;
/// `None` if that is no JSON value either.
pub(crate) fn to_json(text: &str) -> Option<Cow<'_, str>> {
    let is_json = |text: &str| serde_json::from_str::<IgnoredAny>(text).is_ok();
    if is_json(text) {
        return Some(Cow::Borrowed(text));
    }
    let replaced = without_nan(text);
    is_json(&replaced).then_some(Cow::Owned(replaced))
}

/// Replaces `NaN`, `Infinity` and `-Infinity` outside of strings by `null`.
fn without_nan(text: &str) -> String {
    let mut replaced = String::with_capacity(text.len());
    let (mut in_string, mut escaped) = (false, false);
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let word = ["NaN", "-Infinity", "Infinity"]
            .into_iter()
            .find(|word| !in_string && rest.starts_with(word));
        if let Some(word) = word {
            replaced.push_str("null");
            rest = &rest[word.len()..];
            continue;
        }
        match letter {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            _ => {}
        }
        replaced.push(letter);
        rest = &rest[letter.len_utf8()..];
    }
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_its_bytes() {
        for text in [r#"{"a":1566311822568.0,"b":[ ],"c":"NaN"}"#, "null", "1E5"] {
            assert_eq!(to_json(text).as_deref(), Some(text));
        }
    }

    #[test]
    fn nan_and_infinity_become_null_outside_of_strings() {
        let text = r#"{"a":NaN,"b":[Infinity,-Infinity,-1],"c":"NaN \" Infinity"}"#;
        let replaced = r#"{"a":null,"b":[null,null,-1],"c":"NaN \" Infinity"}"#;
        assert_eq!(to_json(text).as_deref(), Some(replaced));
    }

    #[test]
    fn other_text_is_refused() {
        for text in ["", "{", "nan", "NaNs", "{'a':1}", "{\"a\":NaN"] {
            assert_eq!(to_json(text), None, "{text}");
        }
    }
}
