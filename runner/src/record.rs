//! What a job says, as it comes: counted, kept in its files, its last words remembered.

use std::{io, path::Path, sync::Arc};

use serde_json::json;

use crate::{
    clock,
    counts::{self, Counts},
    files::Rotated,
    lines::Line,
    message::{MOST_BYTES, Message},
    output::Tail,
};
use spiderq_proto::v1::JobCounters;

/// Level of INFO, at which lines that a program prints are logged.
const INFO: i64 = 20;
/// Level of ERROR.
const ERROR: i64 = 40;

/// What the job's other parts must hear of.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// Nothing.
    None,
    /// The job got something done.
    Progress,
    /// Statistics to send.
    Stats(Arc<str>),
}

/// Everything a job said.
#[derive(Debug)]
pub(crate) struct Record {
    key: String,
    counts: Arc<Counts>,
    log: Rotated,
    items: Rotated,
    tail: Tail,
    stats: Option<Arc<str>>,
    finish: Option<String>,
    /// Whether statistics came after the end of the spider: the whole truth.
    closed: bool,
    unknown: u64,
}

impl Record {
    /// Of the job `key`, with files in `folder` of about `most` bytes each.
    pub(crate) fn create(
        key: &str,
        folder: &Path,
        most: u64,
        counts: Arc<Counts>,
    ) -> io::Result<Self> {
        Ok(Self {
            key: key.to_owned(),
            counts,
            log: Rotated::create(folder, "log", most)?,
            items: Rotated::create(folder, "items", most)?,
            tail: Tail::default(),
            stats: None,
            finish: None,
            closed: false,
            unknown: 0,
        })
    }

    /// The first files of logs and of items.
    pub(crate) fn paths(&self) -> [&Path; 2] {
        [self.log.path(), self.items.path()]
    }

    /// Takes a line of the pipe. An error: it can't be kept.
    pub(crate) fn line(&mut self, line: &Line) -> io::Result<News> {
        let line = match line {
            Line::Whole(line) => line,
            Line::Cut(start) => {
                let kind = String::from_utf8_lossy(&start[..start.len().min(3)]);
                let text = format!("a line ({kind}) of more than {MOST_BYTES} bytes is lost");
                self.note(ERROR, &text)?;
                return Ok(News::Progress);
            }
        };
        match Message::parse(line) {
            Message::Log { json, level } => {
                self.counts.log(level);
                if level >= ERROR {
                    self.remember(&json);
                }
                self.log.write(&json)?;
                // Scrapy logs every minute whether or not it gets on.
                Ok(self.unless_scrapy())
            }
            Message::Request => {
                self.counts.page();
                Ok(News::Progress)
            }
            Message::Item(json) => {
                self.counts.item();
                self.items.write(&json)?;
                Ok(News::Progress)
            }
            Message::Stats { json, count } => {
                let stats: Arc<str> = json.into();
                self.closed = self.finish.is_some();
                self.stats = Some(Arc::clone(&stats));
                Ok(match count {
                    // At the opening there are none yet.
                    0 => News::None,
                    _ => News::Stats(stats),
                })
            }
            Message::Finish(reason) => {
                self.finish = Some(reason);
                Ok(News::Progress)
            }
            Message::Unknown(command) => self.odd(&format!("unknown command {command:?}")),
            Message::Malformed(why) => self.odd(why),
        }
    }

    /// Takes a line that the program printed.
    pub(crate) fn printed(&mut self, line: &str) -> io::Result<News> {
        self.note(INFO, line)?;
        Ok(News::Progress)
    }

    /// Adds a line to the job's log.
    pub(crate) fn note(&mut self, level: i64, text: &str) -> io::Result<()> {
        self.counts.log(level);
        self.tail.push(text);
        let line = json!({"time": clock::now_ms(), "level": level, "message": text});
        self.log.write(&line.to_string())
    }

    /// Hands what was kept to the system.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.log.flush()?;
        self.items.flush()
    }

    /// The reason that the job itself gave for its end.
    pub(crate) fn finish(&self) -> Option<&str> {
        self.finish.as_deref()
    }

    /// Its last words.
    pub(crate) fn tail(&self) -> String {
        self.tail.text()
    }

    /// The last statistics, where they say anything.
    pub(crate) fn stats(&self) -> Option<Arc<str>> {
        self.stats.clone().filter(|stats| stats.as_ref() != "{}")
    }

    /// What was counted: by Scrapy where it came to its end, else here.
    pub(crate) fn counters(&self) -> JobCounters {
        let stats = self.stats().filter(|_| self.closed);
        let counted = stats.and_then(|stats| counts::of_stats(&stats));
        counted.unwrap_or_else(|| self.counts.read())
    }

    fn unless_scrapy(&self) -> News {
        match self.stats {
            None => News::Progress,
            Some(_) => News::None,
        }
    }

    fn remember(&mut self, json: &str) {
        let log: Option<serde_json::Value> = serde_json::from_str(json).ok();
        let text = log.as_ref().and_then(|log| log["message"].as_str());
        self.tail.push(text.unwrap_or(json));
    }

    /// A line that is no message. Said the first time.
    fn odd(&mut self, why: &str) -> io::Result<News> {
        self.unknown += 1;
        if self.unknown == 1 {
            tracing::warn!(job = self.key, why, "a line that is no message");
        }
        Ok(News::None)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn whole(text: &str) -> Line {
        Line::Whole(text.as_bytes().to_vec())
    }

    fn record(folder: &Path) -> Record {
        Record::create("1/1/1", folder, 1 << 20, Arc::default()).unwrap()
    }

    fn counters(items: i64, pages: i64, logs: i64, errors: i64) -> JobCounters {
        JobCounters {
            items: Some(items),
            pages: Some(pages),
            logs: Some(logs),
            errors: Some(errors),
        }
    }

    #[test]
    fn what_a_spider_says_is_counted_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut record = record(folder.path());
        let opening = record.line(&whole(r#"STA {"time":1,"stats":{}}"#)).unwrap();
        assert_eq!((opening, record.stats()), (News::None, None));
        let lines = [
            (r#"LOG {"time":1,"level":20,"message":"a"}"#, News::None),
            (r#"LOG {"time":1,"level":40,"message":"b"}"#, News::None),
            (r#"REQ {"url":"http://a/"}"#, News::Progress),
            (r#"ITM {"n":NaN}"#, News::Progress),
            ("XXX 1", News::None),
            ("ITM {", News::None),
        ];
        for (line, news) in lines {
            assert_eq!(record.line(&whole(line)).unwrap(), news, "{line}");
        }
        assert_eq!(record.counters(), counters(1, 1, 2, 1));
        assert_eq!(record.tail(), "b");
        record.flush().unwrap();
        let items = fs::read_to_string(folder.path().join("items.1.jl")).unwrap();
        assert_eq!(items, "{\"n\":null}\n");
        let log = fs::read_to_string(folder.path().join("log.1.jl")).unwrap();
        let expected = "{\"time\":1,\"level\":20,\"message\":\"a\"}\n\
                        {\"time\":1,\"level\":40,\"message\":\"b\"}\n";
        assert_eq!(log, expected);
    }

    #[test]
    fn the_counters_of_a_closed_spider_are_scrapys() {
        let folder = tempfile::tempdir().unwrap();
        let mut record = record(folder.path());
        record.line(&whole(r#"ITM {"n":1}"#)).unwrap();
        let stats = r#"{"item_scraped_count":2,"log_count/INFO":9}"#;
        let line = whole(&format!(r#"STA {{"time":1,"stats":{stats}}}"#));
        assert_eq!(record.line(&line).unwrap(), News::Stats(stats.into()));
        assert_eq!(record.counters(), counters(1, 0, 0, 0));
        record.line(&whole(r#"FIN {"outcome":"finished"}"#)).unwrap();
        assert_eq!(record.counters(), counters(1, 0, 0, 0));
        record.line(&line).unwrap();
        assert_eq!(record.finish(), Some("finished"));
        assert_eq!(record.counters(), counters(2, 0, 9, 0));
    }

    #[test]
    fn a_line_that_was_too_long_leaves_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let mut record = record(folder.path());
        let cut = Line::Cut(b"ITM {\"a\"".to_vec());
        assert_eq!(record.line(&cut).unwrap(), News::Progress);
        assert_eq!(record.counters(), counters(0, 0, 1, 1));
        assert_eq!(record.tail(), "a line (ITM) of more than 1048576 bytes is lost");
    }

    #[test]
    fn what_a_program_prints_is_logged() {
        let folder = tempfile::tempdir().unwrap();
        let mut record = record(folder.path());
        let news = record.printed("[stdout] hello \"world\"").unwrap();
        assert_eq!(news, News::Progress);
        record.flush().unwrap();
        let log = fs::read_to_string(folder.path().join("log.1.jl")).unwrap();
        let log: serde_json::Value = serde_json::from_str(&log).unwrap();
        assert_eq!(log["level"], 20);
        assert_eq!(log["message"], "[stdout] hello \"world\"");
        assert_eq!(record.counters(), counters(0, 0, 1, 0));
    }
}
