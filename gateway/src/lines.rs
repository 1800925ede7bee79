//! Request bodies of the storage family: JSON lines, one array, or objects in a row, cut
//! into entries whose values stay raw text. A bad entry keeps its place among the others.

use std::collections::BTreeMap;

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Deserializer, value::RawValue};

use crate::{errors::Problem, params};
use spiderq_proto::v1::JobState;

/// One entry of a body, good or bad, with the text that was sent.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    /// As sent; not always JSON.
    pub(crate) text: &'a str,
    /// The object, or why there is none.
    pub(crate) fields: Result<Fields<'a>, Problem>,
}

/// Most entries of a body: each costs memory here and a line of the answer.
const MOST: usize = 100_000;

/// The entries of a body, in order. Values may span lines until one does not parse; from
/// there on a value ends with its line, so that the good lines after a bad one are read,
/// and no text is scanned more than twice.
pub(crate) fn entries(body: &str) -> Result<Vec<Entry<'_>>, Problem> {
    let mut entries = Vec::new();
    let bad = values(body, &mut entries)?;
    for line in bad.lines() {
        let rest = values(line, &mut entries)?.trim();
        if !rest.is_empty() {
            add(&mut entries, rest)?;
        }
    }
    Ok(entries)
}

/// Adds the values at the start of `text`; answers what follows the last good one.
fn values<'a>(text: &'a str, entries: &mut Vec<Entry<'a>>) -> Result<&'a str, Problem> {
    let mut stream = Deserializer::from_str(text).into_iter::<&RawValue>();
    let mut end = 0;
    while let Some(Ok(value)) = stream.next() {
        end = stream.byte_offset();
        match serde_json::from_str::<Vec<&RawValue>>(value.get()) {
            Ok(elements) => elements.iter().try_for_each(|one| add(entries, one.get()))?,
            Err(_) => add(entries, value.get())?,
        }
    }
    Ok(&text[end..])
}

fn add<'a>(entries: &mut Vec<Entry<'a>>, text: &'a str) -> Result<(), Problem> {
    if entries.len() == MOST {
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("body: must have at most {MOST} lines"),
        ));
    }
    let fields = Fields::parse(text);
    entries.push(Entry { text, fields });
    Ok(())
}

/// The body's one object. An empty body is `None`; several objects merge, later ones win.
pub(crate) fn object(body: &str) -> Result<Option<Fields<'_>>, Problem> {
    let mut merged: Option<Fields<'_>> = None;
    for entry in entries(body)? {
        let fields = entry.fields?;
        match &mut merged {
            None => merged = Some(fields),
            Some(known) => known.0.extend(fields.0),
        }
    }
    Ok(merged)
}

/// The body's one value, for the field `name`.
pub(crate) fn value<'a>(name: &str, body: &'a str) -> Result<&'a str, Problem> {
    match serde_json::from_str::<&RawValue>(body) {
        Ok(value) => Ok(value.get()),
        Err(error) => Err(Problem::invalid(
            name,
            match not_a_number(body) {
                Some((_, token)) => not_json(token),
                None => format!("must be one JSON value: {error}"),
            },
        )),
    }
}

/// The fields of one JSON object, values as they were written; of a name that comes
/// twice, the last.
#[derive(Debug, Default)]
pub(crate) struct Fields<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Fields<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, Problem> {
        serde_json::from_str(text).map(Self).map_err(|error| {
            if let Some((field, token)) = not_a_number(text) {
                return Problem::invalid(&field, not_json(token));
            }
            Problem::invalid("body", format!("must be a JSON object: {error}"))
        })
    }

    /// Whether there is such a field, be it `null`.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Takes a field out. `null` counts as not given.
    pub(crate) fn take(&mut self, name: &str) -> Option<&'a RawValue> {
        self.0.remove(name).filter(|value| value.get() != "null")
    }

    /// Takes out a field of one type; `accepted` says which, for the refusal.
    pub(crate) fn typed<T: Deserialize<'a>>(
        &mut self,
        name: &str,
        accepted: &str,
    ) -> Result<Option<T>, Problem> {
        self.take(name)
            .map(|value| {
                serde_json::from_str(value.get()).map_err(|_| Problem::invalid(name, accepted))
            })
            .transpose()
    }

    /// Takes out a field that is text.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, Problem> {
        self.typed(name, "must be a string")
    }

    pub(crate) fn state(&mut self) -> Result<JobState, Problem> {
        let accepted = "must be one of pending, running, finished, deleted";
        let name: Option<String> = self.typed("state", accepted)?;
        name.map_or(Ok(JobState::Unspecified), |name| params::state(&name))
    }

    pub(crate) fn priority(&mut self) -> Result<Option<u32>, Problem> {
        self.typed("priority", PRIORITY)
    }

    pub(crate) fn units(&mut self) -> Result<Option<u32>, Problem> {
        self.typed("units", UNITS)
    }

    pub(crate) fn tags(&mut self) -> Result<Vec<String>, Problem> {
        let tags = self.typed("tags", "must be an array of strings")?;
        Ok(tags.unwrap_or_default())
    }

    /// What is left, as metadata: JSON text by name.
    pub(crate) fn into_metadata(self) -> BTreeMap<String, String> {
        let fields = self.0.into_iter();
        fields.map(|(name, value)| (name, value.get().to_owned())).collect()
    }
}

/// What `priority` accepts.
pub(crate) const PRIORITY: &str = "must be an integer from 0 (lowest) to 4 (highest)";
/// What `units` accepts.
pub(crate) const UNITS: &str = "must be an integer from 1 to 6";

fn not_json(token: &str) -> String {
    format!("must be JSON, which {token} is not")
}

/// Finds the first `NaN` or `Infinity` outside strings, which Python writes and JSON does
/// not know, and the field of the outermost object in which it stands.
fn not_a_number(text: &str) -> Option<(String, &'static str)> {
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
            b'N' if text[at..].starts_with("NaN") => return Some((unquoted(field), "NaN")),
            b'I' if text[at..].starts_with("Infinity") => {
                return Some((unquoted(field), "Infinity"));
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// Where the string that opens at `start` is over.
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

    fn metadata(fields: Fields<'_>) -> Vec<(String, String)> {
        fields.into_metadata().into_iter().collect()
    }

    fn texts(body: &str) -> Vec<Result<&str, String>> {
        let entries = entries(body).unwrap().into_iter();
        let told = entries.map(|e| e.fields.map(|_| e.text).map_err(Problem::into_message));
        told.collect()
    }

    #[test]
    fn lines_arrays_and_objects_in_a_row_are_the_same() {
        let expected = [Ok(r#"{"a":1}"#), Ok(r#"{"b":[2.0]}"#)];
        for body in [
            "{\"a\":1}\n{\"b\":[2.0]}",
            "{\"a\":1}\r\n\r\n{\"b\":[2.0]}\n",
            "{\"a\":1}{\"b\":[2.0]}",
            "[{\"a\":1}, {\"b\":[2.0]}]",
            "[{\"a\":1}]\n[{\"b\":[2.0]}]\n",
        ] {
            assert_eq!(texts(body), expected, "{body}");
        }
        assert!(texts(" \n").is_empty());
        assert!(texts("[]").is_empty());
    }

    #[test]
    fn a_bad_line_keeps_its_place() {
        let told = texts("{\"a\":1}\n{\"a\" 1}\n7\n{\"price\":NaN}\n{\"b\":2}");
        let message = |n: usize| told[n].clone().unwrap_err();
        assert_eq!(told.len(), 5);
        assert_eq!((&told[0], &told[4]), (&Ok("{\"a\":1}"), &Ok("{\"b\":2}")));
        assert!(message(1).starts_with("body: must be a JSON object: expected `:`"));
        assert!(message(2).starts_with("body: must be a JSON object: invalid type"));
        assert_eq!(message(3), "price: must be JSON, which NaN is not");
    }

    #[test]
    fn objects_may_span_lines_until_one_is_bad() {
        assert_eq!(texts("{\n\"a\":1\n}\n{\"b\":2}"), [Ok("{\n\"a\":1\n}"), Ok("{\"b\":2}")]);
        let told = texts("{\"a\":1\n{\"b\":2}{\"c\":3} x\n");
        assert_eq!(told.len(), 4);
        assert_eq!(&told[1..3], [Ok("{\"b\":2}"), Ok("{\"c\":3}")]);
        assert!(told[0].is_err() && told[3].is_err());
    }

    #[test]
    fn a_body_has_a_most_of_entries() {
        // Openings, which each parse would follow to the end of the body.
        let most = "[\n".repeat(MOST);
        assert_eq!(entries(&most).unwrap().len(), MOST);
        let told = entries(&(most + "{}")).unwrap_err().into_message();
        assert_eq!(told, "body: must have at most 100000 lines");
    }

    #[test]
    fn values_keep_their_bytes_and_the_last_of_a_name_wins() {
        let fields =
            Fields::parse(r#"{"z":1566311822568.0,"a":{"k":"\u00e9\/", "b":[ ]},"z":1E5}"#);
        let expected = [("a", r#"{"k":"\u00e9\/", "b":[ ]}"#), ("z", "1E5")];
        let expected = expected.map(|(name, text)| (name.to_owned(), text.to_owned()));
        assert_eq!(metadata(fields.unwrap()), expected);
    }

    #[test]
    fn what_is_no_number_is_refused_by_the_name_of_its_field() {
        for (body, message) in [
            (r#"{"a":"NaN","b":[{"c":NaN}]}"#, "b: must be JSON, which NaN is not"),
            (r#"{"a\n":-Infinity}"#, "a\n: must be JSON, which Infinity is not"),
            (r#"[{"a":1},{"b":Infinity}]"#, "b: must be JSON, which Infinity is not"),
        ] {
            assert_eq!(object(body).unwrap_err().into_message(), message);
        }
        let told = value("score", "NaN").unwrap_err().into_message();
        assert_eq!(told, "score: must be JSON, which NaN is not");
    }

    #[test]
    fn a_value_is_exactly_one() {
        assert_eq!(value("f", " {\"b\":1, \"a\":2} \n").unwrap(), "{\"b\":1, \"a\":2}");
        let told = value("f", "1 2").unwrap_err().into_message();
        assert!(told.starts_with("f: must be one JSON value: trailing"), "{told}");
    }
}
