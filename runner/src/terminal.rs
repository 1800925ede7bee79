//! A live line for each running job, at the foot of the terminal; log lines go above them.
//! Where standard error is no terminal there are only log lines.

use std::{
    io::{self, IsTerminal as _, Write},
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rustix::termios::tcgetwinsize;
use tokio::time::{Instant, interval};

use crate::counts::Counts;

/// How often the lines are drawn.
const FRAME: Duration = Duration::from_millis(500);
/// Columns and lines of a terminal that does not say.
const COLUMNS: usize = 80;
const LINES: usize = 24;

static SCREEN: LazyLock<Mutex<Screen>> = LazyLock::new(|| {
    Mutex::new(Screen { live: io::stderr().is_terminal(), rows: Vec::new(), drawn: 0 })
});

fn screen() -> MutexGuard<'static, Screen> {
    SCREEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A job's line. Gone when dropped.
#[derive(Debug)]
pub(crate) struct Row(Arc<Shown>);

#[derive(Debug)]
struct Shown {
    key: String,
    spider: String,
    counts: Arc<Counts>,
    since: Instant,
}

impl Row {
    /// Shows the line of a job.
    pub(crate) fn show(key: &str, spider: &str, counts: Arc<Counts>) -> Self {
        let shown = Arc::new(Shown {
            key: key.to_owned(),
            spider: spider.to_owned(),
            counts,
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

/// Draws the lines again and again, where there is a terminal.
pub(crate) async fn animate() {
    if !screen().live {
        std::future::pending::<()>().await;
    }
    let mut frames = interval(FRAME);
    loop {
        frames.tick().await;
        screen().refresh();
    }
}

/// Where log lines go: to standard error, above the live lines.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogWriter;

impl Write for LogWriter {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let mut screen = screen();
        let erased = screen.erase();
        let drawn = screen.draw();
        let mut all = erased.into_bytes();
        all.extend_from_slice(text);
        all.extend_from_slice(drawn.as_bytes());
        io::stderr().write_all(&all)?;
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[derive(Debug)]
struct Screen {
    live: bool,
    rows: Vec<Arc<Shown>>,
    /// Lines that stand on the terminal.
    drawn: usize,
}

impl Screen {
    fn refresh(&mut self) {
        let text = self.erase() + &self.draw();
        // Nobody to tell of an error.
        let _ = io::stderr().write_all(text.as_bytes());
    }

    /// Takes away the lines that stand there.
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
        let columns = size.map_or(COLUMNS, |size| usize::from(size.ws_col));
        // More lines than it has can't be taken away again.
        let most = size.map_or(LINES, |size| usize::from(size.ws_row)).max(2) - 1;
        let now = Instant::now();
        let rows = self.rows.iter().take(most);
        self.drawn = rows.len();
        rows.map(|row| row.line(now, columns) + "\n").collect()
    }
}

impl Shown {
    fn line(&self, now: Instant, columns: usize) -> String {
        let counters = self.counts.read();
        let seconds = now.duration_since(self.since).as_secs();
        let time = format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
        let line = format!(
            "{:<14} {:<20} {:>8} items {:>8} pages {:>5} errors {time:>9}",
            self.key,
            self.spider,
            counters.items(),
            counters.pages(),
            counters.errors(),
        );
        line.chars().take(columns).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_the_job_has_done_and_fits_the_terminal() {
        let counts = Arc::new(Counts::default());
        counts.item();
        counts.log(40);
        let since = Instant::now();
        let row = Shown { key: "1/2/3".to_owned(), spider: "somespider".to_owned(), counts, since };
        let now = since + Duration::from_secs(3_723);
        let line = row.line(now, 200);
        let words: Vec<&str> = line.split_whitespace().collect();
        let expected = "1/2/3 somespider 1 items 0 pages 1 errors 1:02:03";
        assert_eq!(words.join(" "), expected);
        assert_eq!(row.line(now, 20).len(), 20);
    }
}
