//! How a job ended: from what its process did and what was asked of it to its
//! `close_reason`. The one place that knows the table.

use std::{fmt, process::ExitStatus};

/// Why a job was told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Somebody asked the server for it.
    Cancelled,
    /// The runner itself ends.
    Shutdown,
    /// It ran longer than the runner lets a job run.
    RuntimeLimit,
    /// It said nothing for longer than the runner lets a job be silent.
    StallLimit,
    /// Its logs or items can't be written.
    NoFiles,
}

/// How the process of a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Self {
        use std::os::unix::process::ExitStatusExt as _;
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Code(code),
            (None, Some(signal)) => Self::Signal(signal),
            // Neither an end nor a signal: an end that was not the job's own.
            (None, None) => Self::Code(1),
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "code {code}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
        }
    }
}

/// All that is known of a job at its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ending<'a> {
    /// How the process ended.
    pub(crate) exit: Exit,
    /// The reason that it gave itself (FIN).
    pub(crate) finish: Option<&'a str>,
    /// Why it was told to stop, if it was.
    pub(crate) stop: Option<Stop>,
    /// Whether it was killed because it had not stopped in time.
    pub(crate) killed: bool,
}

/// What Scrapy gives as its reason when a signal stops it.
const SHUTDOWN: &str = "shutdown";
const SIGTERM: i32 = 15;

impl<'a> Ending<'a> {
    /// The job's `close_reason`.
    pub(crate) fn close_reason(self) -> &'a str {
        let own = self.finish.filter(|reason| *reason != SHUTDOWN);
        match (self.exit, own, self.stop) {
            _ if self.killed => "cancel_timeout",
            // A spider that was done when the stop came was not stopped.
            (Exit::Code(0), Some(own), _) => own,
            (_, _, Some(stop)) => stop.close_reason(),
            (Exit::Code(0), None, None) if self.finish.is_some() => SHUTDOWN,
            (Exit::Code(0), None, None) => "finished",
            (Exit::Signal(SIGTERM), _, None) => SHUTDOWN,
            (Exit::Code(_) | Exit::Signal(_), _, None) => "failed",
        }
    }
}

impl Stop {
    pub(crate) const fn close_reason(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Shutdown => SHUTDOWN,
            Self::RuntimeLimit => "cancelled (runtime limit)",
            Self::StallLimit => "cancelled (stalled)",
            Self::NoFiles => "failed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is(exit: Exit, finish: Option<&str>, stop: Option<Stop>, killed: bool, reason: &str) {
        let ending = Ending { exit, finish, stop, killed };
        assert_eq!(ending.close_reason(), reason, "{ending:?}");
    }

    #[test]
    fn a_job_left_alone_ends_as_it_says() {
        is(Exit::Code(0), Some("finished"), None, false, "finished");
        is(Exit::Code(0), Some("banned"), None, false, "banned");
        is(Exit::Code(0), None, None, false, "finished");
        is(Exit::Code(1), None, None, false, "failed");
        is(Exit::Code(1), Some("finished"), None, false, "failed");
        is(Exit::Code(127), None, None, false, "failed");
        is(Exit::Signal(9), None, None, false, "failed");
        is(Exit::Signal(11), Some("finished"), None, false, "failed");
    }

    #[test]
    fn a_signal_of_somebody_else_is_a_shutdown() {
        is(Exit::Code(0), Some("shutdown"), None, false, "shutdown");
        is(Exit::Signal(15), None, None, false, "shutdown");
    }

    #[test]
    fn a_stopped_job_ends_as_it_was_asked() {
        let stops = [
            (Stop::Cancelled, "cancelled"),
            (Stop::Shutdown, "shutdown"),
            (Stop::RuntimeLimit, "cancelled (runtime limit)"),
            (Stop::StallLimit, "cancelled (stalled)"),
            (Stop::NoFiles, "failed"),
        ];
        for (stop, reason) in stops {
            is(Exit::Code(0), Some("shutdown"), Some(stop), false, reason);
            is(Exit::Code(0), None, Some(stop), false, reason);
            is(Exit::Code(1), None, Some(stop), false, reason);
            is(Exit::Signal(15), None, Some(stop), false, reason);
        }
    }

    #[test]
    fn a_spider_that_was_done_before_the_stop_keeps_its_reason() {
        let stop = Some(Stop::Cancelled);
        is(Exit::Code(0), Some("finished"), stop, false, "finished");
    }

    #[test]
    fn a_job_that_had_to_be_killed_ran_out_of_time() {
        let stop = Some(Stop::Cancelled);
        is(Exit::Signal(9), None, stop, true, "cancel_timeout");
        is(Exit::Signal(9), Some("shutdown"), stop, true, "cancel_timeout");
    }
}
