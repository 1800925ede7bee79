//! Where everything that a job says ends up: counted, written to its files, its last log lines
//! kept. Messages come from the named pipe, lines from the program's standard output and error.

use std::{io, path::Path, sync::Arc};

use serde_json::json;
use spiderq_proto::v1::JobCounters;

use crate::{
    clock,
    counters::{self, Counters},
    line_splitter::Line,
    message::{LEVEL_ERROR, LEVEL_INFO, MAX_LINE_BYTES, Message},
    output_files::{Output, OutputFiles, Stored},
    printed::{STDERR_PREFIX, STDOUT_PREFIX},
    tail::Tail,
};

/// The last line of the log of a job that has written as much as it may.
const FULL: &str = "logs and items have reached the runner's --max-bytes: \
                    the job is stopped, and what it still writes is lost";

/// What the caller must do after the sink has taken a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    None,
    /// Restart the stall limit.
    Progress,
    /// Send these statistics to the server.
    Stats(Arc<str>),
    /// End the job, which has written as much as it may.
    Full,
}

#[derive(Debug)]
pub(crate) struct OutputSink {
    job_key: String,
    counters: Arc<Counters>,
    files: OutputFiles,
    tail: Tail,
    stats: Option<Arc<str>>,
    finish: Option<String>,
    /// The statistics came after FIN, so that they are complete.
    stats_final: bool,
    warned: bool,
    /// The program has written to the pipe or to its standard output.
    spoken: bool,
}

impl OutputSink {
    pub(crate) fn new(job_key: &str, files: OutputFiles, counters: Arc<Counters>) -> Self {
        Self {
            job_key: job_key.to_owned(),
            counters,
            files,
            tail: Tail::default(),
            stats: None,
            finish: None,
            stats_final: false,
            warned: false,
            spoken: false,
        }
    }

    /// The first file of the log and the first of the items.
    pub(crate) fn paths(&self) -> [&Path; 2] {
        self.files.paths()
    }

    /// Takes a line of the named pipe. Fails if a file can't be written.
    pub(crate) fn piped(&mut self, line: &Line) -> io::Result<Effect> {
        self.spoken = true;
        match line {
            Line::Whole(line) => self.message(Message::parse(line)),
            Line::Cut(start) => {
                let command = String::from_utf8_lossy(&start[..start.len().min(3)]);
                self.write_log(LEVEL_ERROR, &lost(&command))
            }
        }
    }

    fn message(&mut self, message: Message<'_>) -> io::Result<Effect> {
        match message {
            Message::Log { json, level } => return self.logged(&json, level),
            Message::Request(json) => {
                if let Some(effect) = self.store_request(&json)? {
                    return Ok(effect);
                }
                self.counters.page();
            }
            Message::Item(json) => {
                if let Some(effect) = self.store(Output::Items, &json)? {
                    return Ok(effect);
                }
                self.counters.item();
            }
            Message::Stats { json, count } => return Ok(self.statistics(json, count)),
            Message::Finish(reason) => self.finish = Some(reason),
            Message::Unknown(command) => {
                return Ok(self.ignored(&format!("unknown command {command:?}")));
            }
            Message::Malformed(why) => return Ok(self.ignored(why)),
        }
        Ok(Effect::Progress)
    }

    /// Takes a line that the program printed. Fails if a file can't be written.
    pub(crate) fn printed(&mut self, line: &str) -> io::Result<Effect> {
        self.spoken |= line.starts_with(STDOUT_PREFIX);
        self.write_log(LEVEL_INFO, line)
    }

    /// Adds why the job's program can't be run.
    pub(crate) fn not_run(&mut self, why: &str) -> io::Result<()> {
        self.write_log(LEVEL_ERROR, why)?;
        self.flush()
    }

    /// Whether the program has said anything but complaints: a program that can't run has not.
    pub(crate) fn has_spoken(&self) -> bool {
        self.spoken
    }

    /// Whether the server gets what the job says.
    pub(crate) fn is_sent(&self) -> bool {
        self.files.are_sent()
    }

    /// Whether what the job has said is not all there, since it was too much.
    pub(crate) fn is_full(&self) -> bool {
        self.files.are_full()
    }

    /// Hands buffered lines to the operating system.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.files.flush()
    }

    /// The reason that the program gave for its end (FIN).
    pub(crate) fn finish(&self) -> Option<&str> {
        self.finish.as_deref()
    }

    /// The last printed lines and errors.
    pub(crate) fn tail(&self) -> String {
        self.tail.text()
    }

    /// The last statistics; `None` if they were empty.
    pub(crate) fn stats(&self) -> Option<Arc<str>> {
        self.stats.clone().filter(|stats| stats.as_ref() != "{}")
    }

    /// How many lines the server has of each; where it keeps none, Scrapy's own counts if the
    /// spider was closed in order, else those of the runner.
    pub(crate) fn counters(&self) -> JobCounters {
        let stats = self.stats().filter(|_| self.stats_final && !self.files.are_sent());
        let counted = stats.and_then(|stats| counters::from_stats(&stats));
        counted.unwrap_or_else(|| self.counters.snapshot())
    }

    fn logged(&mut self, json: &str, level: i64) -> io::Result<Effect> {
        if let Some(effect) = self.store(Output::Log, json)? {
            return Ok(effect);
        }
        self.counters.log(level);
        let log: Option<serde_json::Value> = serde_json::from_str(json).ok();
        let text = log.as_ref().and_then(|log| log["message"].as_str()).unwrap_or(json);
        // The entry point logs what a script prints.
        let printed = [STDOUT_PREFIX, STDERR_PREFIX].iter().any(|prefix| text.starts_with(prefix));
        if level >= LEVEL_ERROR || printed {
            self.tail.push(text);
        }
        // Scrapy logs every minute whether or not it makes progress. Only Scrapy sends statistics.
        Ok(if self.stats.is_some() { Effect::None } else { Effect::Progress })
    }

    fn statistics(&mut self, json: String, count: usize) -> Effect {
        let stats: Arc<str> = json.into();
        self.stats_final = self.finish.is_some();
        self.stats = Some(Arc::clone(&stats));
        // Those at the opening of the spider are empty.
        if count == 0 { Effect::None } else { Effect::Stats(stats) }
    }

    fn write_log(&mut self, level: i64, text: &str) -> io::Result<Effect> {
        if let Some(effect) = self.store(Output::Log, &log_line(level, text))? {
            return Ok(effect);
        }
        self.counters.log(level);
        self.tail.push(text);
        Ok(Effect::Progress)
    }

    /// As [`Self::store`]; where requests are not sent they are only counted.
    fn store_request(&mut self, line: &str) -> io::Result<Option<Effect>> {
        if !self.files.are_sent() {
            return Ok(None);
        }
        self.store(Output::Requests, line)
    }

    /// `None`: the line is stored. Else it is lost, and this is what the caller must do.
    fn store(&mut self, output: Output, line: &str) -> io::Result<Option<Effect>> {
        // `null` is longer than the NaN that it stands for.
        if line.len() > MAX_LINE_BYTES {
            return self.write_log(LEVEL_ERROR, &lost(&format!("{output:?}"))).map(Some);
        }
        match self.files.write(output, line)? {
            Stored::Written => Ok(None),
            Stored::Lost => Ok(Some(Effect::None)),
            Stored::LimitReached => {
                self.counters.log(LEVEL_ERROR);
                self.tail.push(FULL);
                self.files.write_last_words(&log_line(LEVEL_ERROR, FULL))?;
                Ok(Some(Effect::Full))
            }
        }
    }

    /// Warns once for each job: a program may write nothing but such lines.
    fn ignored(&mut self, why: &str) -> Effect {
        if !self.warned {
            self.warned = true;
            tracing::warn!(job = self.job_key, why, "ignored a line that is not a message");
        }
        Effect::None
    }
}

fn lost(what: &str) -> String {
    format!("a message ({what}) of more than {MAX_LINE_BYTES} bytes is lost")
}

fn log_line(level: i64, text: &str) -> String {
    json!({"time": clock::now_ms(), "level": level, "message": text}).to_string()
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    fn whole(text: &str) -> Line {
        Line::Whole(text.as_bytes().to_vec())
    }

    fn sink(folder: &Path) -> OutputSink {
        bounded_sink(folder, 1 << 20)
    }

    fn bounded_sink(folder: &Path, max_bytes: u64) -> OutputSink {
        let files = OutputFiles::create(folder, 1 << 20, max_bytes, None).unwrap();
        OutputSink::new("1/1/1", files, Arc::default())
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
    fn messages_are_counted_and_written_to_files() {
        let folder = tempfile::tempdir().unwrap();
        let mut sink = sink(folder.path());
        let opening = sink.piped(&whole(r#"STA {"time":1,"stats":{}}"#)).unwrap();
        assert_eq!((opening, sink.stats()), (Effect::None, None));
        let lines = [
            (r#"LOG {"time":1,"level":20,"message":"a"}"#, Effect::None),
            (r#"LOG {"time":1,"level":40,"message":"b"}"#, Effect::None),
            (r#"REQ {"url":"http://a/"}"#, Effect::Progress),
            (r#"ITM {"n":NaN}"#, Effect::Progress),
            ("XXX 1", Effect::None),
            ("ITM {", Effect::None),
        ];
        for (line, effect) in lines {
            assert_eq!(sink.piped(&whole(line)).unwrap(), effect, "{line}");
        }
        assert_eq!(sink.counters(), counters(1, 1, 2, 1));
        assert_eq!(sink.tail(), "b");
        sink.flush().unwrap();
        let items = fs::read_to_string(folder.path().join("items.1.jl")).unwrap();
        assert_eq!(items, "{\"n\":null}\n");
        let log = fs::read_to_string(folder.path().join("log.1.jl")).unwrap();
        let expected = "{\"time\":1,\"level\":20,\"message\":\"a\"}\n\
                        {\"time\":1,\"level\":40,\"message\":\"b\"}\n";
        assert_eq!(log, expected);
    }

    #[test]
    fn a_closed_spider_has_the_counters_of_its_statistics() {
        let folder = tempfile::tempdir().unwrap();
        let mut sink = sink(folder.path());
        sink.piped(&whole(r#"ITM {"n":1}"#)).unwrap();
        let stats = r#"{"item_scraped_count":2,"log_count/INFO":9}"#;
        let line = whole(&format!(r#"STA {{"time":1,"stats":{stats}}}"#));
        assert_eq!(sink.piped(&line).unwrap(), Effect::Stats(stats.into()));
        assert_eq!(sink.counters(), counters(1, 0, 0, 0));
        sink.piped(&whole(r#"FIN {"outcome":"finished"}"#)).unwrap();
        assert_eq!(sink.counters(), counters(1, 0, 0, 0));
        sink.piped(&line).unwrap();
        assert_eq!(sink.finish(), Some("finished"));
        assert_eq!(sink.counters(), counters(2, 0, 9, 0));
    }

    #[test]
    fn a_message_that_was_too_long_leaves_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let mut sink = sink(folder.path());
        let cut = Line::Cut(b"ITM {\"a\"".to_vec());
        assert_eq!(sink.piped(&cut).unwrap(), Effect::Progress);
        assert_eq!(sink.counters(), counters(0, 0, 1, 1));
        assert_eq!(sink.tail(), "a message (ITM) of more than 1048576 bytes is lost");
    }

    #[test]
    fn printed_lines_are_logged() {
        let folder = tempfile::tempdir().unwrap();
        let mut sink = sink(folder.path());
        let effect = sink.printed("[stdout] hello \"world\"").unwrap();
        assert_eq!(effect, Effect::Progress);
        sink.flush().unwrap();
        let log = fs::read_to_string(folder.path().join("log.1.jl")).unwrap();
        let log: serde_json::Value = serde_json::from_str(&log).unwrap();
        assert_eq!(log["level"], 20);
        assert_eq!(log["message"], "[stdout] hello \"world\"");
        assert_eq!(sink.counters(), counters(0, 0, 1, 0));
    }

    #[test]
    fn a_job_that_writes_too_much_is_told_of_once_and_the_rest_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let mut sink = bounded_sink(folder.path(), 20);
        let item = whole(r#"ITM {"n":"12345"}"#);
        assert_eq!(sink.piped(&item).unwrap(), Effect::Progress);
        assert!(!sink.is_full());
        assert_eq!(sink.piped(&item).unwrap(), Effect::Full);
        assert!(sink.is_full());
        assert_eq!(sink.piped(&whole("ITM 1")).unwrap(), Effect::None);
        assert_eq!(sink.printed("x").unwrap(), Effect::None);
        assert_eq!(sink.piped(&whole(r#"LOG {"level":40}"#)).unwrap(), Effect::None);
        sink.flush().unwrap();
        assert_eq!(sink.counters(), counters(1, 0, 1, 1));
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(read("items.1.jl"), "{\"n\":\"12345\"}\n");
        let log: serde_json::Value = serde_json::from_str(&read("log.1.jl")).unwrap();
        assert_eq!((&log["level"], &log["message"]), (&json!(40), &json!(FULL)));
    }
}
