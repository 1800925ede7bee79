//! The messages that a program writes to its named pipe, one a line: `CMD SP json LF`. The format
//! is that of scrapinghub-entrypoint-scrapy.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::python_json;

/// A longer line is lost, with an error in the log of the job.
pub(crate) const MAX_LINE_BYTES: usize = 1 << 20;
/// Levels of log lines, as the `logging` of Python numbers them.
pub(crate) const LEVEL_INFO: i64 = 20;
pub(crate) const LEVEL_ERROR: i64 = 40;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Message<'a> {
    /// `level` runs from 10 (debug) to 50 (critical).
    Log {
        json: Cow<'a, str>,
        level: i64,
    },
    /// A request of the spider that got a response.
    Request(Cow<'a, str>),
    Item(Cow<'a, str>),
    /// `json` is an object with `count` members.
    Stats {
        json: String,
        count: usize,
    },
    /// The `close_reason` that the spider gives itself.
    Finish(String),
    /// A command other than these.
    Unknown(&'a str),
    /// What is wrong with a line that is not a message.
    Malformed(&'static str),
}

#[derive(Deserialize)]
struct Log {
    level: i64,
}

#[derive(Deserialize)]
struct Stats<'a> {
    #[serde(borrow)]
    stats: &'a RawValue,
}

#[derive(Deserialize)]
struct Finish {
    outcome: String,
}

impl<'a> Message<'a> {
    /// `line` has no line feed at its end.
    pub(crate) fn parse(line: &'a [u8]) -> Self {
        let Ok(line) = std::str::from_utf8(line) else {
            return Self::Malformed("it is not UTF-8");
        };
        let Some((command, payload)) = line.split_once(' ') else {
            return Self::Malformed("it has no payload");
        };
        if !["LOG", "REQ", "ITM", "STA", "FIN"].contains(&command) {
            return Self::Unknown(command);
        }
        let Some(json) = python_json::to_json(payload) else {
            return Self::Malformed("its payload is not JSON");
        };
        let message = match command {
            "LOG" => log(json),
            "REQ" => Some(Self::Request(json)),
            "ITM" => Some(Self::Item(json)),
            "STA" => stats(&json),
            _ => {
                serde_json::from_str(&json).ok().map(|finish: Finish| Self::Finish(finish.outcome))
            }
        };
        message.unwrap_or(Self::Malformed("its payload lacks a required field"))
    }
}

fn log(json: Cow<'_, str>) -> Option<Message<'_>> {
    let Log { level } = serde_json::from_str(&json).ok()?;
    Some(Message::Log { json, level })
}

fn stats(json: &str) -> Option<Message<'static>> {
    let Stats { stats } = serde_json::from_str(json).ok()?;
    let names: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_str(stats.get()).ok()?;
    Some(Message::Stats { json: stats.get().to_owned(), count: names.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_a_spider_are_parsed() {
        let line = br#"LOG {"time":1,"level":20,"message":"[x] y"}"#;
        let json = r#"{"time":1,"level":20,"message":"[x] y"}"#.into();
        assert_eq!(Message::parse(line), Message::Log { json, level: 20 });
        let line = br#"REQ {"url":"http://a/","status":200,"parent":null}"#;
        let request = r#"{"url":"http://a/","status":200,"parent":null}"#.into();
        assert_eq!(Message::parse(line), Message::Request(request));
        let line = "ITM {\"name\":\"é\",\"_type\":\"dict\"}";
        let item = r#"{"name":"é","_type":"dict"}"#.into();
        assert_eq!(Message::parse(line.as_bytes()), Message::Item(item));
        let line = br#"FIN {"outcome":"finished"}"#;
        assert_eq!(Message::parse(line), Message::Finish("finished".to_owned()));
        assert_eq!(Message::parse(b"XYZ 1"), Message::Unknown("XYZ"));
    }

    #[test]
    fn statistics_keep_their_bytes() {
        let line = br#"STA {"time":1,"stats":{"finish_time":1566311822568.0,"n":NaN}}"#;
        let json = r#"{"finish_time":1566311822568.0,"n":null}"#.to_owned();
        assert_eq!(Message::parse(line), Message::Stats { json, count: 2 });
        let json = "{}".to_owned();
        let line = br#"STA {"time":1,"stats":{}}"#;
        assert_eq!(Message::parse(line), Message::Stats { json, count: 0 });
    }

    #[test]
    fn a_malformed_line_says_what_is_wrong() {
        let wrong: [(&[u8], &str); 7] = [
            (b"", "it has no payload"),
            (b"ITM", "it has no payload"),
            (b"ITM {", "its payload is not JSON"),
            (b"ITM \xff", "it is not UTF-8"),
            (b"LOG {}", "its payload lacks a required field"),
            (b"STA {\"stats\":[]}", "its payload lacks a required field"),
            (b"FIN {\"outcome\":1}", "its payload lacks a required field"),
        ];
        for (line, why) in wrong {
            assert_eq!(Message::parse(line), Message::Malformed(why));
        }
    }

    #[test]
    fn nan_in_an_item_becomes_null() {
        let item = r#"{"price":null}"#.into();
        assert_eq!(Message::parse(br#"ITM {"price":NaN}"#), Message::Item(item));
    }
}
