//! What the live lines at the bottom of the terminal say: one for each running job, and one of the
//! runner as a whole. Only texts are made here; `terminal` puts them on the screen.

use std::time::Duration;

use crate::display_width::{cut, fit, width};

/// A job that makes no progress for so long is shown as stalled.
pub(crate) const STALLED: Duration = Duration::from_secs(60);
/// Columns of `12345 items`, of `163/min` or a state, and so on.
const ITEMS: usize = 11;
const RATE: usize = 10;
const PAGES: usize = 11;
const ERRORS: usize = 10;
const TIME: usize = 8;
/// At least so many columns are the spider's, however narrow the terminal is.
const MIN_NAME: usize = 8;

/// What there is to show of a job.
#[derive(Clone, Debug)]
pub(crate) struct JobView<'a> {
    pub(crate) key: &'a str,
    pub(crate) spider: &'a str,
    pub(crate) state: JobState,
    pub(crate) items: i64,
    pub(crate) pages: i64,
    pub(crate) errors: i64,
    pub(crate) items_per_minute: u64,
    pub(crate) time: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JobState {
    /// The program has said nothing yet.
    Starting,
    Running,
    /// It was asked to stop.
    Stopping,
    /// It has made no progress for so long.
    Stalled(Duration),
}

/// What there is to show of the runner.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunnerView {
    pub(crate) units_used: usize,
    pub(crate) units: usize,
    pub(crate) done: u64,
    pub(crate) failed: u64,
    /// How long the server has not answered; `None`: it answers.
    pub(crate) server_away: Option<Duration>,
    /// How long no job has run; `None`: one runs.
    pub(crate) waiting: Option<Duration>,
}

/// At most `max_lines` lines, at least one, of at most `columns` columns each: jobs, how many more
/// there are, and the runner.
pub(crate) fn lines(
    jobs: &[JobView<'_>],
    runner: &RunnerView,
    columns: usize,
    max_lines: usize,
) -> Vec<String> {
    let room = max_lines.saturating_sub(1);
    // A line for those that find no room.
    let shown = if jobs.len() > room { room.saturating_sub(1) } else { jobs.len() };
    let key_width = jobs.iter().take(shown).map(|job| width(job.key)).max().unwrap_or(0);
    let mut lines: Vec<String> =
        jobs.iter().take(shown).map(|job| job.line(key_width, columns)).collect();
    if jobs.len() > shown && room > 0 {
        lines.push(cut(&format!("+{} more", jobs.len() - shown), columns));
    }
    lines.push(cut(&runner.line(jobs.len()), columns));
    lines
}

impl JobView<'_> {
    fn line(&self, key_width: usize, columns: usize) -> String {
        let fixed = [key_width, ITEMS, RATE, PAGES, ERRORS, TIME];
        let fixed: usize = fixed.into_iter().map(|width| width + 1).sum();
        let name = columns.saturating_sub(fixed).max(MIN_NAME);
        let rate = match self.state {
            JobState::Starting => "starting".to_owned(),
            JobState::Running => format!("{}/min", short(self.items_per_minute)),
            JobState::Stopping => "stopping".to_owned(),
            JobState::Stalled(time) => format!("stalled {}", minutes(time)),
        };
        let count = |count: i64| short(count.unsigned_abs());
        let line = format!(
            "{} {} {:>ITEMS$} {rate:>RATE$} {:>PAGES$} {:>ERRORS$} {:>TIME$}",
            fit(self.key, key_width),
            fit(self.spider, name),
            format!("{} items", count(self.items)),
            format!("{} pages", count(self.pages)),
            format!("{} errors", count(self.errors)),
            clock(self.time),
        );
        cut(&line, columns)
    }
}

impl RunnerView {
    fn line(&self, running: usize) -> String {
        let Self { units_used, units, done, failed, .. } = self;
        let mut line =
            format!("units {units_used}/{units}  running {running}  done {done} ({failed} failed)");
        match self.server_away {
            None => line += "  server ok",
            Some(time) => line += &format!("  server away {}", clock(time)),
        }
        if let Some(time) = self.waiting {
            line += &format!("  waiting {}", clock(time));
        }
        line
    }
}

/// A count in at most five columns.
fn short(count: u64) -> String {
    match count {
        0..100_000 => count.to_string(),
        100_000..10_000_000 => format!("{}k", count / 1_000),
        10_000_000..10_000_000_000 => format!("{}M", count / 1_000_000),
        _ => format!("{}G", count / 1_000_000_000),
    }
}

/// `0:12`, `1:02:03`.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// `4m`, `9h`: at most three columns for anything that still makes sense.
fn minutes(time: Duration) -> String {
    match time.as_secs() / 60 {
        minutes @ 0..100 => format!("{minutes}m"),
        minutes => format!("{}h", minutes / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUNNER: RunnerView = RunnerView {
        units_used: 5,
        units: 6,
        done: 812,
        failed: 3,
        server_away: None,
        waiting: None,
    };

    fn job<'a>(key: &'a str, spider: &'a str) -> JobView<'a> {
        JobView {
            key,
            spider,
            state: JobState::Running,
            items: 1_234,
            pages: 80,
            errors: 3,
            items_per_minute: 163,
            time: Duration::from_secs(3_723),
        }
    }

    #[test]
    fn eighty_columns_suffice_for_all_of_a_job() {
        let jobs = [job("123/45/6789", "books"), job("1/2/3", "a_spider_of_a_long_name")];
        let expected = [
            "123/45/6789 books      1234 items    163/min    80 pages   3 errors  1:02:03",
            "1/2/3       a_spider…  1234 items    163/min    80 pages   3 errors  1:02:03",
            "units 5/6  running 2  done 812 (3 failed)  server ok",
        ];
        assert_eq!(lines(&jobs, &RUNNER, 76, 24), expected);
        for line in lines(&jobs, &RUNNER, 79, 24) {
            assert!(width(&line) <= 79, "{line}");
        }
    }

    #[test]
    fn wide_names_take_their_columns_and_narrow_terminals_cut_lines() {
        let jobs = [job("1/2/3", "蜘蛛蜘蛛蜘蛛蜘蛛蜘蛛蜘蛛")];
        let shown = &lines(&jobs, &RUNNER, 79, 24)[0];
        assert_eq!(width(shown), 79);
        assert!(
            shown.starts_with("1/2/3 蜘蛛蜘蛛蜘蛛蜘蛛… ") && shown.ends_with(" 1:02:03"),
            "{shown}"
        );
        for columns in 0..79 {
            for line in lines(&jobs, &RUNNER, columns, 24) {
                assert!(width(&line) <= columns, "{columns}: {line}");
            }
        }
    }

    #[test]
    fn jobs_that_find_no_room_are_counted() {
        let jobs = vec![job("1/2/3", "x"); 12];
        let shown = lines(&jobs, &RUNNER, 79, 8);
        assert_eq!((shown.len(), shown[6].as_str()), (8, "+6 more"));
        assert_eq!(lines(&jobs, &RUNNER, 79, 13).len(), 13);
        assert_eq!(lines(&jobs, &RUNNER, 79, 2)[0], "+12 more");
        assert_eq!(lines(&jobs, &RUNNER, 79, 1).len(), 1);
    }

    #[test]
    fn states_and_an_idle_runner_are_told() {
        let of = |state| {
            let line = JobView { state, ..job("1/2/3", "x") }.line(5, 79);
            line.split("items").nth(1).unwrap().split("80 pages").next().unwrap().trim().to_owned()
        };
        assert_eq!(of(JobState::Starting), "starting");
        assert_eq!(of(JobState::Stopping), "stopping");
        assert_eq!(of(JobState::Stalled(Duration::from_secs(299))), "stalled 4m");
        assert_eq!(of(JobState::Stalled(Duration::from_secs(86_400))), "stalled 24h");
        let idle = RunnerView {
            units_used: 0,
            server_away: Some(Duration::from_secs(75)),
            waiting: Some(Duration::from_secs(12)),
            ..RUNNER
        };
        let expected = "units 0/6  running 0  done 812 (3 failed)  server away 1:15  waiting 0:12";
        assert_eq!(lines(&[], &idle, 79, 24), [expected]);
    }

    #[test]
    fn large_counts_stay_short() {
        let texts = [0, 99_999, 123_456, 9_999_999, 12_345_678, u64::MAX].map(short);
        assert_eq!(texts, ["0", "99999", "123k", "9999k", "12M", "18446744073G"]);
    }
}
