//! Request bodies of the storage family: JSON lines, one array, or objects in a row, cut
//! into entries whose values stay raw text. A bad entry keeps its position among the others.

use http::StatusCode;
use serde_json::{Deserializer, value::RawValue};
use spiderq_core::limits::MAX_BODY_LINES;

use crate::{accepted_values, errors::Problem, json_fields::Fields};

/// One entry of a body, good or bad.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    /// As sent; not always JSON.
    pub(crate) text: &'a str,
    /// The object, or why there is none.
    pub(crate) fields: Result<Fields<'a>, Problem>,
}

/// The entries of a body, in order. Values may span lines until one does not parse; from
/// there on a value ends with its line, so that the good lines after a bad one are read,
/// and no text is scanned more than twice.
pub(crate) fn entries(body: &str) -> Result<Vec<Entry<'_>>, Problem> {
    let mut entries = Vec::new();
    let unparsed = parse_values(body, &mut entries)?;
    for line in unparsed.lines() {
        let rest = parse_values(line, &mut entries)?.trim();
        if !rest.is_empty() {
            add(&mut entries, rest)?;
        }
    }
    Ok(entries)
}

/// Adds the values at the start of `text`; returns what follows the last good one.
fn parse_values<'a>(text: &'a str, entries: &mut Vec<Entry<'a>>) -> Result<&'a str, Problem> {
    let mut values = Deserializer::from_str(text).into_iter::<&RawValue>();
    let mut end = 0;
    while let Some(Ok(value)) = values.next() {
        end = values.byte_offset();
        match serde_json::from_str::<Vec<&RawValue>>(value.get()) {
            Ok(elements) => elements.iter().try_for_each(|element| add(entries, element.get()))?,
            Err(_) => add(entries, value.get())?,
        }
    }
    Ok(&text[end..])
}

fn add<'a>(entries: &mut Vec<Entry<'a>>, text: &'a str) -> Result<(), Problem> {
    if entries.len() == MAX_BODY_LINES {
        let accepted = format!("must have at most {MAX_BODY_LINES} lines");
        return Err(Problem::of_field(StatusCode::PAYLOAD_TOO_LARGE, "body", accepted));
    }
    entries.push(Entry { text, fields: Fields::parse(text) });
    Ok(())
}

/// The body's one object. An empty body is `None`; several objects merge, later ones win.
pub(crate) fn object(body: &str) -> Result<Option<Fields<'_>>, Problem> {
    let entries = entries(body)?.into_iter();
    entries.map(|entry| entry.fields).try_fold(None, |merged: Option<Fields<'_>>, fields| {
        let fields = fields?;
        Ok(Some(match merged {
            Some(merged) => merged.merge(fields),
            None => fields,
        }))
    })
}

/// The same of a body that must not be empty.
pub(crate) fn required_object(body: &str) -> Result<Fields<'_>, Problem> {
    object(body)?.ok_or_else(|| Problem::invalid("body", accepted_values::JSON_OBJECT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(body: &str) -> Vec<Result<&str, String>> {
        let entries = entries(body).unwrap().into_iter();
        entries.map(|e| e.fields.map(|_| e.text).map_err(Problem::into_message)).collect()
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
    fn a_bad_line_keeps_its_position() {
        let texts = texts("{\"a\":1}\n{\"a\" 1}\n7\n{\"price\":NaN}\n{\"b\":2}");
        let message = |n: usize| texts[n].clone().unwrap_err();
        assert_eq!(texts.len(), 5);
        assert_eq!((&texts[0], &texts[4]), (&Ok("{\"a\":1}"), &Ok("{\"b\":2}")));
        assert!(message(1).starts_with("body: must be a JSON object: expected `:`"));
        assert!(message(2).starts_with("body: must be a JSON object: invalid type"));
        assert_eq!(message(3), "price: must be JSON, which NaN is not");
    }

    #[test]
    fn objects_may_span_lines_until_one_is_bad() {
        assert_eq!(texts("{\n\"a\":1\n}\n{\"b\":2}"), [Ok("{\n\"a\":1\n}"), Ok("{\"b\":2}")]);
        let texts = texts("{\"a\":1\n{\"b\":2}{\"c\":3} x\n");
        assert_eq!(texts.len(), 4);
        assert_eq!(&texts[1..3], [Ok("{\"b\":2}"), Ok("{\"c\":3}")]);
        assert!(texts[0].is_err() && texts[3].is_err());
    }

    #[test]
    fn a_body_has_a_limited_number_of_entries() {
        // A parser that starts at an open bracket reads on to the end of the body: it must not
        // start again at each line.
        let body = "[\n".repeat(MAX_BODY_LINES);
        assert_eq!(entries(&body).unwrap().len(), MAX_BODY_LINES);
        let message = entries(&(body + "{}")).unwrap_err().into_message();
        assert_eq!(message, "body: must have at most 100000 lines");
    }
}
