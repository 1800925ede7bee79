//! JSON as Python writes it: with NaN and Infinity, which are not JSON and become null.

use std::borrow::Cow;

use serde::de::IgnoredAny;

/// `text` where it is a JSON value, or what becomes of it without the numbers that are none;
/// `None` where it is no JSON all the same.
pub(crate) fn tolerate(text: &str) -> Option<Cow<'_, str>> {
    let is_json = |text: &str| serde_json::from_str::<IgnoredAny>(text).is_ok();
    if is_json(text) {
        return Some(Cow::Borrowed(text));
    }
    let mended = without_nan(text);
    is_json(&mended).then_some(Cow::Owned(mended))
}

/// `NaN`, `Infinity` and `-Infinity` outside of strings become `null`.
fn without_nan(text: &str) -> String {
    let mut mended = String::with_capacity(text.len());
    let (mut in_string, mut escaped) = (false, false);
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let word = ["NaN", "-Infinity", "Infinity"]
            .into_iter()
            .find(|word| !in_string && rest.starts_with(word));
        if let Some(word) = word {
            mended.push_str("null");
            rest = &rest[word.len()..];
            continue;
        }
        match letter {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            _ => {}
        }
        mended.push(letter);
        rest = &rest[letter.len_utf8()..];
    }
    mended
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_stays_as_it_was_written() {
        for text in [r#"{"a":1566311822568.0,"b":[ ],"c":"NaN"}"#, "null", "1E5"] {
            assert_eq!(tolerate(text).as_deref(), Some(text));
        }
    }

    #[test]
    fn numbers_that_are_none_become_null() {
        let text = r#"{"a":NaN,"b":[Infinity,-Infinity,-1],"c":"NaN \" Infinity"}"#;
        let mended = r#"{"a":null,"b":[null,null,-1],"c":"NaN \" Infinity"}"#;
        assert_eq!(tolerate(text).as_deref(), Some(mended));
    }

    #[test]
    fn what_is_no_json_stays_none() {
        for text in ["", "{", "nan", "NaNs", "{'a':1}", "{\"a\":NaN"] {
            assert_eq!(tolerate(text), None, "{text}");
        }
    }
}
