//! The `close_reason` of a job, from how its process exited, what it said and why it was stopped:
//! the table "How a job ends" of docs/runner.md.

use std::{fmt, process::ExitStatus};

/// Why the runner asked a job to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopReason {
    /// Somebody asked the server to stop it.
    Cancelled,
    /// The runner shuts down.
    Shutdown,
    /// The runner shuts down, and another one is to run the job.
    Requeue,
    /// It ran for longer than `runtime_limit`.
    RuntimeLimit,
    /// It made no progress for longer than `stall_limit`.
    StallLimit,
    /// Its logs or items can't be written.
    WriteFailed,
    /// Its logs and items are larger than they may be.
    OutputLimit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Code(i32),
    Signal(i32),
}

impl Exit {
    /// Whether this is what shells and supervisors exit with for a program that they can't run.
    pub(crate) fn is_not_run(self) -> bool {
        matches!(self, Self::Code(126 | 127))
    }
}

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Self {
        use std::os::unix::process::ExitStatusExt as _;
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Code(code),
            (None, Some(signal)) => Self::Signal(signal),
            // A stopped or continued process, which `wait` never reports.
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

#[derive(Clone, Copy, Debug)]
pub(crate) struct Ending<'a> {
    pub(crate) exit: Exit,
    /// The reason that the program gave in its message FIN.
    pub(crate) finish: Option<&'a str>,
    /// Why the runner asked it to stop, if it did.
    pub(crate) stop: Option<StopReason>,
    /// It was killed since it had not stopped within `cancel_grace`.
    pub(crate) killed: bool,
}

/// Also what Scrapy gives as its reason when a signal stops it.
const SHUTDOWN: &str = "shutdown";
const SIGTERM: i32 = 15;

impl<'a> Ending<'a> {
    /// Whether the job goes back to the queue: it was stopped for that, and was not done before.
    pub(crate) fn is_requeued(self) -> bool {
        let own = self.finish.filter(|reason| *reason != SHUTDOWN);
        let done = self.exit == Exit::Code(0) && own.is_some() && !self.killed;
        self.stop == Some(StopReason::Requeue) && !done
    }

    pub(crate) fn close_reason(self) -> &'a str {
        let own = self.finish.filter(|reason| *reason != SHUTDOWN);
        match (self.exit, own, self.stop) {
            // Whatever it says itself: its output is not whole.
            (_, _, Some(stop @ StopReason::OutputLimit)) => stop.close_reason(),
            _ if self.killed => "cancel_timeout",
            // The spider was done before the stop came.
            (Exit::Code(0), Some(own), _) => own,
            (_, _, Some(stop)) => stop.close_reason(),
            (Exit::Code(0), None, None) if self.finish.is_some() => SHUTDOWN,
            (Exit::Code(0), None, None) => "finished",
            (Exit::Signal(SIGTERM), _, None) => SHUTDOWN,
            (Exit::Code(_) | Exit::Signal(_), _, None) => "failed",
        }
    }
}

impl StopReason {
    pub(crate) const fn close_reason(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Shutdown | Self::Requeue => SHUTDOWN,
            Self::RuntimeLimit => "cancelled (runtime limit)",
            Self::StallLimit => "cancelled (stalled)",
            Self::WriteFailed => "failed",
            Self::OutputLimit => "cancelled (output limit)",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is(exit: Exit, finish: Option<&str>, stop: Option<StopReason>, killed: bool, reason: &str) {
        let ending = Ending { exit, finish, stop, killed };
        assert_eq!(ending.close_reason(), reason, "{ending:?}");
    }

    #[test]
    fn a_job_that_nobody_stops_gives_its_own_reason() {
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
    fn a_signal_that_the_runner_did_not_send_is_a_shutdown() {
        is(Exit::Code(0), Some("shutdown"), None, false, "shutdown");
        is(Exit::Signal(15), None, None, false, "shutdown");
    }

    #[test]
    fn a_stopped_job_has_the_reason_of_its_stop() {
        let stops = [
            (StopReason::Cancelled, "cancelled"),
            (StopReason::Shutdown, "shutdown"),
            (StopReason::RuntimeLimit, "cancelled (runtime limit)"),
            (StopReason::StallLimit, "cancelled (stalled)"),
            (StopReason::WriteFailed, "failed"),
        ];
        for (stop, reason) in stops {
            is(Exit::Code(0), Some("shutdown"), Some(stop), false, reason);
            is(Exit::Code(0), None, Some(stop), false, reason);
            is(Exit::Code(1), None, Some(stop), false, reason);
            is(Exit::Signal(15), None, Some(stop), false, reason);
        }
    }

    #[test]
    fn a_job_that_is_stopped_to_be_requeued_is_unless_it_was_done() {
        let requeued = |exit, finish, stop, killed| {
            Ending { exit, finish, stop: Some(stop), killed }.is_requeued()
        };
        let stop = StopReason::Requeue;
        for (exit, finish, killed) in [
            (Exit::Code(0), Some("shutdown"), false),
            (Exit::Code(0), None, false),
            (Exit::Code(1), Some("finished"), false),
            (Exit::Signal(15), None, false),
            (Exit::Signal(9), None, true),
        ] {
            assert!(requeued(exit, finish, stop, killed), "{exit:?} {finish:?}");
            assert!(!requeued(exit, finish, StopReason::Shutdown, killed));
            assert!(!requeued(exit, finish, StopReason::Cancelled, killed));
        }
        assert!(!requeued(Exit::Code(0), Some("finished"), stop, false));
        is(Exit::Code(0), Some("finished"), Some(stop), false, "finished");
    }

    #[test]
    fn a_spider_that_was_done_before_the_stop_keeps_its_reason() {
        let stop = Some(StopReason::Cancelled);
        is(Exit::Code(0), Some("finished"), stop, false, "finished");
    }

    #[test]
    fn a_job_whose_output_is_not_whole_never_looks_finished() {
        let (stop, reason) = (Some(StopReason::OutputLimit), "cancelled (output limit)");
        is(Exit::Code(0), Some("finished"), stop, false, reason);
        is(Exit::Code(0), Some("shutdown"), stop, false, reason);
        is(Exit::Code(1), None, stop, false, reason);
        is(Exit::Signal(9), None, stop, true, reason);
    }

    #[test]
    fn a_job_that_had_to_be_killed_is_a_cancel_timeout() {
        let stop = Some(StopReason::Cancelled);
        is(Exit::Signal(9), None, stop, true, "cancel_timeout");
        is(Exit::Signal(9), Some("shutdown"), stop, true, "cancel_timeout");
    }
}
