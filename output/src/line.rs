//! Looking at a line: whether it is what an output may hold, and what of it is counted.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use spiderq_core::limits::MAX_FIELD_NAME_BYTES;

use crate::{OutputKind, Summary};

/// Adds a line to `sum`; or says what is wrong with it, as an error about a field does.
pub(crate) fn add(kind: OutputKind, line: &[u8], sum: &mut Summary) -> Result<(), &'static str> {
    if memchr::memchr(b'\n', line).is_some() {
        return Err("must have no line break in it");
    }
    let text = std::str::from_utf8(line).map_err(|_| "must be UTF-8")?;
    match kind {
        OutputKind::Logs => add_log(text, sum)?,
        OutputKind::Items => add_fields(text, false, sum)?,
        OutputKind::Requests => add_fields(text, true, sum)?,
        OutputKind::Samples => {
            let Sample(time) = serde_json::from_str(text).map_err(|_| "must be a JSON array")?;
            time.into_iter().for_each(|time| sum.add_time(time));
        }
    }
    sum.lines += 1;
    sum.bytes += line.len() as u64;
    Ok(())
}

const NOT_AN_OBJECT: &str = "must be a JSON object";

fn add_log(text: &str, sum: &mut Summary) -> Result<(), &'static str> {
    let log: LogLine<'_> = serde_json::from_str(text).map_err(|_| NOT_AN_OBJECT)?;
    let level = log.level();
    sum.max_level = sum.max_level.max(level);
    sum.count(&level.to_string(), 1);
    if let Some(time) = log.time {
        sum.add_time(time);
    }
    Ok(())
}

fn add_fields(text: &str, with_time: bool, sum: &mut Summary) -> Result<(), &'static str> {
    let mut json = serde_json::Deserializer::from_str(text);
    let fields = Fields { with_time, sum };
    json.deserialize_map(fields).and_then(|()| json.end()).map_err(|_| NOT_AN_OBJECT)
}

/// What of a log line a reader may ask for.
#[derive(Debug, Default)]
pub(crate) struct LogLine<'a> {
    level: Option<i64>,
    time: Option<i64>,
    message: Option<Cow<'a, str>>,
}

impl LogLine<'_> {
    /// The level; 0 where the line has none.
    pub(crate) fn level(&self) -> i64 {
        self.level.unwrap_or(0)
    }

    /// The text of the message; empty where the line has none.
    pub(crate) fn message(&self) -> &str {
        self.message.as_deref().unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for LogLine<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(LogVisitor(PhantomData))
    }
}

struct LogVisitor<'de>(PhantomData<&'de ()>);

impl<'de> Visitor<'de> for LogVisitor<'de> {
    type Value = LogLine<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<LogLine<'de>, A::Error> {
        let mut line = LogLine::default();
        while let Some(Text(name)) = map.next_key()? {
            match name.as_ref() {
                "level" => line.level = map.next_value::<Scalar<'_>>()?.number(),
                "time" => line.time = map.next_value::<Scalar<'_>>()?.number(),
                "message" => line.message = map.next_value::<Scalar<'_>>()?.text(),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(line)
    }
}

/// Counts the fields of an object.
struct Fields<'a> {
    /// Whether its `time` is that of the line.
    with_time: bool,
    sum: &'a mut Summary,
}

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(name)) = map.next_key()? {
            if self.with_time && name == "time" {
                let time = map.next_value::<Scalar<'_>>()?.number();
                time.into_iter().for_each(|time| self.sum.add_time(time));
            } else {
                map.next_value::<IgnoredAny>()?;
            }
            if name.len() <= MAX_FIELD_NAME_BYTES {
                self.sum.count(&name, 1);
            }
        }
        Ok(())
    }
}

/// A sample, and the time that it begins with.
struct Sample(Option<i64>);

impl<'de> Deserialize<'de> for Sample {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(SampleVisitor)
    }
}

struct SampleVisitor;

impl<'de> Visitor<'de> for SampleVisitor {
    type Value = Sample;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Sample, A::Error> {
        let first = array.next_element::<Scalar<'_>>()?;
        while array.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Sample(first.and_then(|first| first.number())))
    }
}

/// A text, borrowed where it has no escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let scalar = Scalar::deserialize(deserializer)?;
        scalar.text().map(Text).ok_or_else(|| de::Error::custom("not a text"))
    }
}

/// A JSON value, of which only a number or a text is kept.
enum Scalar<'a> {
    Number(i64),
    Text(Cow<'a, str>),
    Other,
}

impl<'a> Scalar<'a> {
    fn number(&self) -> Option<i64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    fn text(self) -> Option<Cow<'a, str>> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor(PhantomData))
    }
}

struct ScalarVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for ScalarVisitor<'a> {
    type Value = Scalar<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scalar<'a>, E> {
        Ok(i64::try_from(number).map_or(Scalar::Other, Scalar::Number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Scalar<'a>, E> {
        Ok(Scalar::Number(number))
    }

    #[expect(clippy::cast_possible_truncation, reason = "times are whole milliseconds")]
    fn visit_f64<E>(self, number: f64) -> Result<Scalar<'a>, E> {
        let is_whole = number.abs() < 9e15;
        Ok(if is_whole { Scalar::Number(number as i64) } else { Scalar::Other })
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Scalar<'a>, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar<'a>, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Scalar<'a>, E> {
        Ok(Scalar::Other)
    }

    fn visit_unit<E>(self) -> Result<Scalar<'a>, E> {
        Ok(Scalar::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Scalar<'a>, A::Error> {
        while array.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar<'a>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum_of(kind: OutputKind, line: &str) -> Result<Summary, &'static str> {
        let mut sum = Summary::default();
        add(kind, line.as_bytes(), &mut sum).map(|()| sum)
    }

    fn counts(sum: &Summary) -> Vec<(&str, u64)> {
        sum.counts.iter().map(|(name, count)| (name.as_str(), *count)).collect()
    }

    #[test]
    fn a_log_line_counts_by_its_level_and_has_a_time() {
        let line = r#"{"time": 1700000000123, "level": 40, "message": "it \"broke\"", "x": [1]}"#;
        let sum = sum_of(OutputKind::Logs, line).unwrap();
        assert_eq!((sum.lines, sum.bytes, sum.max_level), (1, line.len() as u64, 40));
        assert_eq!((sum.first_time, sum.last_time), (Some(1_700_000_000_123), sum.first_time));
        assert_eq!(counts(&sum), [("40", 1)]);
        let log: LogLine<'_> = serde_json::from_str(line).unwrap();
        assert_eq!(log.message(), r#"it "broke""#);
    }

    #[test]
    fn a_log_line_without_numbers_has_level_0_and_no_time() {
        for line in [r"{}", r#"{"level":"high","time":null,"message":{"a":1}}"#] {
            let sum = sum_of(OutputKind::Logs, line).unwrap();
            assert_eq!((counts(&sum), sum.first_time), (vec![("0", 1)], None), "{line}");
        }
    }

    #[test]
    fn items_and_requests_count_by_their_fields() {
        let line = r#"{"url":"http://a","time":1700000000000.7,"\u0061b":{"url":1}}"#;
        let item = sum_of(OutputKind::Items, line).unwrap();
        assert_eq!(counts(&item), [("ab", 1), ("time", 1), ("url", 1)]);
        assert_eq!(item.first_time, None);
        let request = sum_of(OutputKind::Requests, line).unwrap();
        assert_eq!(
            (counts(&request), request.first_time),
            (counts(&item), Some(1_700_000_000_000))
        );
    }

    #[test]
    fn a_sample_begins_with_its_time() {
        let sum = sum_of(OutputKind::Samples, "[1700000000000, 1, 2.5]").unwrap();
        assert_eq!((counts(&sum), sum.last_time), (vec![], Some(1_700_000_000_000)));
    }

    #[test]
    fn other_lines_are_refused() {
        use OutputKind::{Items, Logs, Requests, Samples};
        for (kind, line, reason) in [
            (Logs, "{\"a\":\n1}", "must have no line break in it"),
            (Logs, "", NOT_AN_OBJECT),
            (Logs, "[]", NOT_AN_OBJECT),
            (Logs, r#"{"message":"a"} {}"#, NOT_AN_OBJECT),
            (Items, "1", NOT_AN_OBJECT),
            (Items, r#"{"a":NaN}"#, NOT_AN_OBJECT),
            (Items, r#"{"a":1} x"#, NOT_AN_OBJECT),
            (Requests, r#"{"a":}"#, NOT_AN_OBJECT),
            (Samples, "{}", "must be a JSON array"),
        ] {
            assert_eq!(sum_of(kind, line), Err(reason), "{line}");
        }
        let mut sum = Summary::default();
        assert_eq!(add(Items, b"{\"a\":\"\xff\"}", &mut sum), Err("must be UTF-8"));
        assert_eq!(sum, Summary::default());
    }
}
