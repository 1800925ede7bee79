//! The terminal of a runner: live lines at the bottom (`live_view`), log lines above them. If
//! standard error is not a terminal there are log lines only.

use std::{
    collections::VecDeque,
    io::{self, IsTerminal as _, Write},
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rustix::termios::tcgetwinsize;
use tokio::time::{Instant, interval};

use crate::{
    counters::Counters,
    live_view::{JobState, JobView, RunnerView, STALLED, lines},
};

/// In an event: what follows stands on a line of its own below it. No text of a job can look like
/// an event there, since the line begins with `BELOW`.
pub const LINE_BELOW: char = '\u{1e}';
const BELOW: &str = "\n    | ";

const REDRAW_INTERVAL: Duration = Duration::from_millis(500);
/// For a terminal that does not tell its size.
const DEFAULT_COLUMNS: usize = 80;
const DEFAULT_LINES: usize = 24;
/// The rate of items is that of the last minute.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(5);
const MAX_SAMPLES: usize = 12;

static SCREEN: LazyLock<Mutex<Screen>> = LazyLock::new(|| {
    let live = io::stderr().is_terminal();
    Mutex::new(Screen { live, rows: Vec::new(), runner: None, drawn: 0 })
});

fn screen() -> MutexGuard<'static, Screen> {
    SCREEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Shows the line of a job until it is dropped.
#[derive(Debug)]
pub(crate) struct Row(Arc<RunningJob>);

#[derive(Debug)]
struct RunningJob {
    key: String,
    spider: String,
    units: usize,
    counters: Arc<Counters>,
    since: Instant,
    status: Mutex<Status>,
}

#[derive(Debug)]
struct Status {
    started: bool,
    stopping: bool,
    progress: Instant,
    /// When there were how many items, the oldest first.
    samples: VecDeque<(Instant, i64)>,
}

impl Row {
    /// `units` are those that the job holds.
    pub(crate) fn show(key: &str, spider: &str, units: usize, counters: Arc<Counters>) -> Self {
        let job = RunningJob::new(key, spider, counters, Instant::now());
        let shown = Arc::new(RunningJob { units, ..job });
        screen().rows.push(Arc::clone(&shown));
        Self(shown)
    }

    /// The job has said something.
    pub(crate) fn started(&self) {
        self.0.status().started = true;
    }

    /// The job has made progress.
    pub(crate) fn progress(&self, now: Instant) {
        self.0.status().progress = now;
    }

    /// The job was asked to stop.
    pub(crate) fn stopping(&self) {
        self.0.status().stopping = true;
    }
}

impl Drop for Row {
    fn drop(&mut self) {
        let mut screen = screen();
        screen.rows.retain(|row| !Arc::ptr_eq(row, &self.0));
        let is_idle = screen.rows.is_empty();
        if let (Some(runner), true) = (&mut screen.runner, is_idle) {
            runner.idle_since = Instant::now();
        }
        screen.refresh();
    }
}

/// Shows the line of the runner until it is dropped.
#[derive(Debug)]
pub(crate) struct RunnerLine;

#[derive(Debug)]
struct RunnerStatus {
    units: usize,
    done: u64,
    failed: u64,
    away_since: Option<Instant>,
    idle_since: Instant,
}

impl RunnerLine {
    /// `units` are those of all jobs that may run at a time.
    pub(crate) fn show(units: u32) -> Self {
        let (units, idle_since) = (units as usize, Instant::now());
        let (done, failed, away_since) = (0, 0, None);
        let status = RunnerStatus { units, done, failed, away_since, idle_since };
        screen().runner = Some(status);
        Self
    }
}

impl Drop for RunnerLine {
    fn drop(&mut self) {
        let mut screen = screen();
        screen.runner = None;
        screen.refresh();
    }
}

/// Counts a job whose end the server knows.
pub(crate) fn count_end(failed: bool) {
    if let Some(runner) = &mut screen().runner {
        runner.done += 1;
        runner.failed += u64::from(failed);
    }
}

/// Tells whether the server has answered a call.
pub(crate) fn note_server(answers: bool) {
    if let Some(runner) = &mut screen().runner {
        let since = runner.away_since.unwrap_or_else(Instant::now);
        runner.away_since = (!answers).then_some(since);
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
/// one line, with those below it that [`LINE_BELOW`] begins.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogWriter;

impl Write for LogWriter {
    /// Never fails: a log whose reader is gone, as after a hangup, must not end the program.
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let mut screen = screen();
        let erased = screen.erase();
        let drawn = screen.draw();
        let mut all = erased.into_bytes();
        all.extend_from_slice(event_lines(&String::from_utf8_lossy(text)).as_bytes());
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
fn event_lines(event: &str) -> String {
    let (text, end) = match event.strip_suffix('\n') {
        Some(text) => (text, "\n"),
        None => (event, ""),
    };
    let mut line = String::with_capacity(event.len());
    for letter in text.chars() {
        match letter {
            LINE_BELOW => line.push_str(BELOW),
            '\x1b' | '\t' => line.push(letter),
            _ if letter.is_control() => line.extend(letter.escape_default()),
            _ => line.push(letter),
        }
    }
    line + end
}

#[derive(Debug)]
struct Screen {
    live: bool,
    rows: Vec<Arc<RunningJob>>,
    /// `None` where this program is no runner.
    runner: Option<RunnerStatus>,
    /// How many lines are on the terminal now.
    drawn: usize,
}

impl Screen {
    fn refresh(&mut self) {
        let text = self.erase() + &self.draw();
        // A terminal that is gone leaves nowhere to report the error.
        let _ = io::stderr().write_all(text.as_bytes());
    }

    /// The control sequence that removes the lines on the terminal. What was typed meanwhile, such
    /// as `^C`, stands behind the cursor: it goes too.
    fn erase(&mut self) -> String {
        match std::mem::take(&mut self.drawn) {
            0 => String::new(),
            lines => format!("\r\x1b[{lines}A\x1b[J"),
        }
    }

    fn draw(&mut self) -> String {
        let (true, Some(runner)) = (self.live, &self.runner) else {
            return String::new();
        };
        let size = tcgetwinsize(io::stderr()).ok();
        let known = |size: u16, default| if size == 0 { default } else { usize::from(size) };
        let columns = size.map_or(DEFAULT_COLUMNS, |size| known(size.ws_col, DEFAULT_COLUMNS));
        // Lines that scrolled off the terminal could not be erased again.
        let rows = size.map_or(DEFAULT_LINES, |size| known(size.ws_row, DEFAULT_LINES));
        let now = Instant::now();
        let units_used = self.rows.iter().map(|row| row.units).sum();
        let runner = runner.view(now, units_used, self.rows.is_empty());
        let jobs: Vec<JobView<'_>> = self.rows.iter().map(|row| row.view(now)).collect();
        // Some terminals wrap a line that fills its last column.
        let lines = lines(&jobs, &runner, columns - 1, rows.max(2) - 1);
        self.drawn = lines.len();
        lines.into_iter().map(|line| line + "\n").collect()
    }
}

impl RunnerStatus {
    fn view(&self, now: Instant, units_used: usize, is_idle: bool) -> RunnerView {
        let since = |since: Instant| now.saturating_duration_since(since);
        RunnerView {
            units_used,
            units: self.units,
            done: self.done,
            failed: self.failed,
            server_away: self.away_since.map(since),
            waiting: is_idle.then(|| since(self.idle_since)),
        }
    }
}

impl RunningJob {
    fn new(key: &str, spider: &str, counters: Arc<Counters>, now: Instant) -> Self {
        let (started, stopping, progress) = (false, false, now);
        let samples = VecDeque::from([(now, 0)]);
        Self {
            key: key.to_owned(),
            spider: spider.to_owned(),
            units: 1,
            counters,
            since: now,
            status: Mutex::new(Status { started, stopping, progress, samples }),
        }
    }

    fn status(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn view(&self, now: Instant) -> JobView<'_> {
        let counters = self.counters.snapshot();
        let mut status = self.status();
        JobView {
            key: &self.key,
            spider: &self.spider,
            state: status.state(now),
            items: counters.items(),
            pages: counters.pages(),
            errors: counters.errors(),
            items_per_minute: status.items_per_minute(now, counters.items()),
            time: now.saturating_duration_since(self.since),
        }
    }
}

impl Status {
    fn state(&self, now: Instant) -> JobState {
        let idle = now.saturating_duration_since(self.progress);
        match self.started {
            _ if self.stopping => JobState::Stopping,
            false => JobState::Starting,
            true if idle >= STALLED => JobState::Stalled(idle),
            true => JobState::Running,
        }
    }

    fn items_per_minute(&mut self, now: Instant, items: i64) -> u64 {
        let due = |last: &(Instant, i64)| now.saturating_duration_since(last.0) >= SAMPLE_INTERVAL;
        let oldest = self.samples.front().copied();
        if self.samples.back().is_none_or(due) {
            self.samples.push_back((now, items));
        }
        if self.samples.len() > MAX_SAMPLES {
            self.samples.pop_front();
        }
        let Some((since, before)) = oldest else { return 0 };
        let time = now.saturating_duration_since(since).as_millis().max(1_000);
        let rate = u128::from(items.saturating_sub(before).unsigned_abs()) * 60_000 / time;
        u64::try_from(rate).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_and_what_stands_below_it_can_not_look_like_another() {
        let event = "\x1b[33mWARN\x1b[0m refused: x\r\n2026 INFO forged\tline\u{9b}2J\n";
        let line = "\x1b[33mWARN\x1b[0m refused: x\\r\\n2026 INFO forged\tline\\u{9b}2J\n";
        assert_eq!(event_lines(event), line);
        assert_eq!(event_lines("é"), "é");
        assert_eq!(event_lines("a\u{1e}b\n\u{1e}c\n"), "a\n    | b\\n\n    | c\n");
    }

    #[test]
    fn a_job_starts_runs_stalls_and_stops() {
        let since = Instant::now();
        let job = Row(Arc::new(RunningJob::new("1/2/3", "x", Arc::default(), since)));
        let at = |seconds| job.0.view(since + Duration::from_secs(seconds)).state;
        assert_eq!(at(70), JobState::Starting);
        job.started();
        job.progress(since + Duration::from_secs(10));
        assert_eq!(at(69), JobState::Running);
        assert_eq!(at(250), JobState::Stalled(Duration::from_secs(240)));
        job.stopping();
        assert_eq!(at(250), JobState::Stopping);
    }

    #[test]
    fn the_rate_is_that_of_the_last_minute() {
        let (since, counters) = (Instant::now(), Arc::new(Counters::default()));
        let job = RunningJob::new("1/2/3", "x", Arc::clone(&counters), since);
        let mut rates = Vec::new();
        for second in 1..=180 {
            if second <= 90 {
                counters.item();
                counters.item();
            }
            rates.push(job.view(since + Duration::from_secs(second)).items_per_minute);
        }
        assert_eq!([rates[0], rates[29], rates[89]], [120, 120, 120]);
        assert!((1..120).contains(&rates[119]), "{rates:?}");
        assert_eq!(rates[179], 0);
    }
}
