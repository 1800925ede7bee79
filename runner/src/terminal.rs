//! A live line for each running job at the bottom of the terminal, with log lines above them. If
//! standard error is not a terminal there are log lines only.

use std::{
    io::{self, IsTerminal as _, Write},
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rustix::termios::tcgetwinsize;
use tokio::time::{Instant, interval};

use crate::counters::Counters;

const REDRAW_INTERVAL: Duration = Duration::from_millis(500);
/// For a terminal that does not tell its size.
const DEFAULT_COLUMNS: usize = 80;
const DEFAULT_LINES: usize = 24;

static SCREEN: LazyLock<Mutex<Screen>> = LazyLock::new(|| {
    Mutex::new(Screen { live: io::stderr().is_terminal(), rows: Vec::new(), drawn: 0 })
});

fn screen() -> MutexGuard<'static, Screen> {
    SCREEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Shows the line of a job until it is dropped.
#[derive(Debug)]
pub(crate) struct Row(Arc<RunningJob>);

#[derive(Debug)]
struct RunningJob {
    job_key: String,
    spider: String,
    counters: Arc<Counters>,
    since: Instant,
}

impl Row {
    pub(crate) fn show(job_key: &str, spider: &str, counters: Arc<Counters>) -> Self {
        let shown = Arc::new(RunningJob {
            job_key: job_key.to_owned(),
            spider: spider.to_owned(),
            counters,
            since: Instant::now(),
        });
        screen().rows.push(Arc::clone(&shown));
        Self(shown)
    }
}

impl Drop for Row {
    fn drop(&mut self) {
        let mut screen = screen();
        screen.rows.retain(|row| !Arc::ptr_eq(row, &self.0));
        screen.refresh();
    }
}

/// Never returns. Does nothing if there is no terminal.
pub(crate) async fn redraw_forever() {
    if !screen().live {
        std::future::pending::<()>().await;
    }
    let mut ticks = interval(REDRAW_INTERVAL);
    loop {
        ticks.tick().await;
        screen().refresh();
    }
}

/// Writes log lines to standard error, above the live lines. Each write is one event and becomes
/// one line.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogWriter;

impl Write for LogWriter {
    /// Never fails: a log whose reader is gone, as after a hangup, must not end the program.
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let mut screen = screen();
        let erased = screen.erase();
        let drawn = screen.draw();
        let mut all = erased.into_bytes();
        all.extend_from_slice(one_line(&String::from_utf8_lossy(text)).as_bytes());
        all.extend_from_slice(drawn.as_bytes());
        let _ = io::stderr().write_all(&all);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = io::stderr().flush();
        Ok(())
    }
}

/// Escapes the control characters within an event, so that no text of a job, a client or a server
/// looks like a line of its own. ESC stays: colours need it, and the formatter escapes it in
/// values.
fn one_line(event: &str) -> String {
    let (text, end) = match event.strip_suffix('\n') {
        Some(text) => (text, "\n"),
        None => (event, ""),
    };
    let mut line = String::with_capacity(event.len());
    for letter in text.chars() {
        match letter.is_control() && !['\x1b', '\t'].contains(&letter) {
            true => line.extend(letter.escape_default()),
            false => line.push(letter),
        }
    }
    line + end
}

#[derive(Debug)]
struct Screen {
    live: bool,
    rows: Vec<Arc<RunningJob>>,
    /// How many lines are on the terminal now.
    drawn: usize,
}

impl Screen {
    fn refresh(&mut self) {
        let text = self.erase() + &self.draw();
        // A terminal that is gone leaves nowhere to report the error.
        let _ = io::stderr().write_all(text.as_bytes());
    }

    /// The control sequence that removes the lines on the terminal.
    fn erase(&mut self) -> String {
        match std::mem::take(&mut self.drawn) {
            0 => String::new(),
            lines => format!("\x1b[{lines}A\x1b[J"),
        }
    }

    fn draw(&mut self) -> String {
        if !self.live {
            return String::new();
        }
        let size = tcgetwinsize(io::stderr()).ok();
        let columns = size.map_or(DEFAULT_COLUMNS, |size| usize::from(size.ws_col));
        // Lines that scrolled off the terminal could not be erased again.
        let max_rows = size.map_or(DEFAULT_LINES, |size| usize::from(size.ws_row)).max(2) - 1;
        let now = Instant::now();
        let rows = self.rows.iter().take(max_rows);
        self.drawn = rows.len();
        rows.map(|row| row.line(now, columns) + "\n").collect()
    }
}

impl RunningJob {
    fn line(&self, now: Instant, columns: usize) -> String {
        let counters = self.counters.snapshot();
        let seconds = now.duration_since(self.since).as_secs();
        let time = format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
        let line = format!(
            "{:<14} {:<20} {:>8} items {:>8} pages {:>5} errors {time:>9}",
            self.job_key,
            self.spider,
            counters.items(),
            counters.pages(),
            counters.errors(),
        );
        // Names come from a server.
        let line = line.chars().map(|letter| if letter.is_control() { '?' } else { letter });
        line.take(columns).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line() {
        let event = "\x1b[33mWARN\x1b[0m refused: x\r\n2026 INFO forged\tline\u{9b}2J\n";
        let line = "\x1b[33mWARN\x1b[0m refused: x\\r\\n2026 INFO forged\tline\\u{9b}2J\n";
        assert_eq!(one_line(event), line);
        assert_eq!(one_line("é"), "é");
    }

    #[test]
    fn a_line_shows_the_counters_of_its_job_and_fits_the_terminal() {
        let counters = Arc::new(Counters::default());
        counters.item();
        counters.log(40);
        let since = Instant::now();
        let row = RunningJob {
            job_key: "1/2/3".to_owned(),
            spider: "some\nspider".to_owned(),
            counters,
            since,
        };
        let now = since + Duration::from_secs(3_723);
        let line = row.line(now, 200);
        let words: Vec<&str> = line.split_whitespace().collect();
        let expected = "1/2/3 some?spider 1 items 0 pages 1 errors 1:02:03";
        assert_eq!(words.join(" "), expected);
        assert_eq!(row.line(now, 20).len(), 20);
    }
}
