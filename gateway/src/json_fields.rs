//! The fields of JSON objects in request bodies: values stay the text that the client wrote,
//! so that big integers and floats go through unchanged.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use spiderq_proto::v1::JobState;

use crate::{accepted_values, errors::Problem, params};

/// The fields of one JSON object, values as they were written; of a name that comes
/// twice, the last.
#[derive(Debug, Default)]
pub(crate) struct Fields<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Fields<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, Problem> {
        serde_json::from_str(text).map(Self).map_err(|error| not_an_object(text, &error))
    }

    /// Fields of both; where both have one, that of `later`.
    pub(crate) fn merge(mut self, later: Self) -> Self {
        self.0.extend(later.0);
        self
    }

    /// Whether there is such a field, even if it is `null`.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Takes out a field of one type; `accepted` says which, for the refusal. `null` counts as
    /// not given.
    pub(crate) fn take<T: Deserialize<'a>>(
        &mut self,
        name: &str,
        accepted: &str,
    ) -> Result<Option<T>, Problem> {
        let value = self.0.remove(name).filter(|value| value.get() != "null");
        let value = value.map(|value| serde_json::from_str(value.get())).transpose();
        value.map_err(|_| Problem::invalid(name, accepted))
    }

    pub(crate) fn take_string(&mut self, name: &str) -> Result<Option<String>, Problem> {
        self.take(name, accepted_values::STRING)
    }

    pub(crate) fn take_strings(&mut self, name: &str) -> Result<Vec<String>, Problem> {
        Ok(self.take(name, accepted_values::STRINGS)?.unwrap_or_default())
    }

    pub(crate) fn take_state(&mut self) -> Result<JobState, Problem> {
        let name: Option<String> = self.take("state", accepted_values::STATE)?;
        name.map_or(Ok(JobState::Unspecified), |name| params::state(&name))
    }

    pub(crate) fn take_priority(&mut self) -> Result<Option<i32>, Problem> {
        Ok(self.take("priority", &accepted_values::PRIORITY)?.map(params::int32))
    }

    pub(crate) fn take_units(&mut self) -> Result<Option<i32>, Problem> {
        Ok(self.take("units", &accepted_values::UNITS)?.map(params::int32))
    }

    /// What is left, as metadata: JSON text by name.
    pub(crate) fn into_metadata(self) -> BTreeMap<String, String> {
        let fields = self.0.into_iter();
        fields.map(|(name, value)| (name, value.get().to_owned())).collect()
    }
}

/// A body that is one JSON value, for the field `name`.
pub(crate) fn value<'a>(name: &str, body: &'a str) -> Result<&'a str, Problem> {
    let value = serde_json::from_str::<&RawValue>(body).map(RawValue::get);
    value.map_err(|error| match non_finite(body) {
        Some((_, token)) => Problem::invalid(name, is_not_json(token)),
        None => Problem::invalid(name, format!("must be one JSON value: {error}")),
    })
}

/// Why `text` is not one JSON object.
pub(crate) fn not_an_object(text: &str, error: &serde_json::Error) -> Problem {
    match non_finite(text) {
        Some((field, token)) => Problem::invalid(&field, is_not_json(token)),
        None => Problem::invalid("body", format!("{}: {error}", accepted_values::JSON_OBJECT)),
    }
}

fn is_not_json(token: &str) -> String {
    format!("must be JSON, which {token} is not")
}

/// Finds the first `NaN` or `Infinity` outside strings, which Python's `json` writes although
/// JSON has no such numbers, and the field of the outermost object in which it stands.
fn non_finite(text: &str) -> Option<(String, &'static str)> {
    let (mut depth, mut at) = (0_usize, 0);
    let (mut last, mut field) = ("\"body\"", "\"body\"");
    while let Some(byte) = text.as_bytes().get(at) {
        match byte {
            b'"' => {
                let end = string_end(text, at)?;
                last = &text[at..end];
                at = end;
                continue;
            }
            b':' if depth == 1 => field = last,
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b'N' | b'I' => {
                let mut tokens = ["NaN", "Infinity"].into_iter();
                if let Some(token) = tokens.find(|token| text[at..].starts_with(token)) {
                    return Some((unquoted(field), token));
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// Where the string that opens at `start` ends; `None` if it does not.
fn string_end(text: &str, start: usize) -> Option<usize> {
    let mut escaped = false;
    for (offset, byte) in text.bytes().enumerate().skip(start + 1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(offset + 1),
            _ => {}
        }
    }
    None
}

fn unquoted(string: &str) -> String {
    serde_json::from_str(string).unwrap_or_else(|_| string.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json_lines::object;

    #[test]
    fn values_keep_their_bytes_and_the_last_of_a_name_wins() {
        let fields =
            Fields::parse(r#"{"z":1566311822568.0,"a":{"k":"\u00e9\/", "b":[ ]},"z":1E5}"#);
        let expected = [("a", r#"{"k":"\u00e9\/", "b":[ ]}"#), ("z", "1E5")];
        let expected = expected.map(|(name, text)| (name.to_owned(), text.to_owned()));
        assert_eq!(fields.unwrap().into_metadata(), expected.into());
    }

    #[test]
    fn nan_and_infinity_are_refused_by_the_name_of_their_field() {
        for (body, message) in [
            (r#"{"a":"NaN","b":[{"c":NaN}]}"#, "b: must be JSON, which NaN is not"),
            (r#"{"a\n":-Infinity}"#, "a\n: must be JSON, which Infinity is not"),
            (r#"[{"a":1},{"b":Infinity}]"#, "b: must be JSON, which Infinity is not"),
        ] {
            assert_eq!(object(body).unwrap_err().into_message(), message);
        }
        let message = value("score", "NaN").unwrap_err().into_message();
        assert_eq!(message, "score: must be JSON, which NaN is not");
    }

    #[test]
    fn a_body_is_exactly_one_value() {
        assert_eq!(value("f", " {\"b\":1, \"a\":2} \n").unwrap(), "{\"b\":1, \"a\":2}");
        let message = value("f", "1 2").unwrap_err().into_message();
        assert!(message.starts_with("f: must be one JSON value: trailing"), "{message}");
    }
}
