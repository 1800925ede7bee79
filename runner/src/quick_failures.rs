//! Whether jobs that fail at once are to blame or this runner is: a program that can't run would
//! fail all jobs of the queue within seconds. One such failure is its job's; several in a row, of
//! different jobs, are the runner's.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::oneshot, time::timeout};

/// How many quick failures in a row are the runner's fault.
pub(crate) const MAX_IN_A_ROW: usize = 5;
/// Within this time of its start a job fails quickly.
pub(crate) const QUICK: Duration = Duration::from_secs(10);
/// How long a quick failure is not yet reported, since others may follow that tell whose fault it
/// is.
const MAX_HOLD: Duration = Duration::from_secs(10);

/// Whose fault a quick failure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The job's: it ends as failed.
    Job,
    /// The runner's: another runner may run the job, and this one must take no more.
    Runner,
}

/// What a job that has ended says of the runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    /// The runner can run jobs: this one ran for a while, said something or succeeded.
    Works,
    /// It failed at once without a word.
    QuickFailure,
    /// It ended without a word by an exit code that means that the program can't be run.
    NotRun,
    /// It was stopped before it showed either.
    Nothing,
}

/// Shared by the jobs of a runner.
#[derive(Debug, Default)]
pub(crate) struct QuickFailures(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    in_a_row: usize,
    has_worked: bool,
    /// Quick failures that wait for their verdict.
    held: Vec<oneshot::Sender<Fault>>,
}

impl QuickFailures {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a job of this runner has shown that it can run jobs.
    pub(crate) fn has_worked(&self) -> bool {
        self.state().has_worked
    }

    /// A job has shown that the runner works: failures before it were those of their jobs.
    pub(crate) fn works(&self) {
        let mut state = self.state();
        state.has_worked = true;
        state.in_a_row = 0;
        state.decide(Fault::Job);
    }

    /// Whose fault a quick failure is. Waits until other jobs have told, or for [`MAX_HOLD`].
    pub(crate) async fn judge(&self) -> Fault {
        let verdict = {
            let mut state = self.state();
            state.in_a_row += 1;
            if state.in_a_row >= MAX_IN_A_ROW {
                state.decide(Fault::Runner);
                return Fault::Runner;
            }
            let (sender, verdict) = oneshot::channel();
            state.held.push(sender);
            verdict
        };
        match timeout(MAX_HOLD, verdict).await {
            Ok(Ok(fault)) => fault,
            Ok(Err(_)) | Err(_) => Fault::Job,
        }
    }

    /// No other job is pending and `unfinished` jobs of this runner have not ended. If all of them
    /// are failures that wait, no other comes that could tell: each was its job's.
    pub(crate) fn settle_last(&self, unfinished: usize) {
        let mut state = self.state();
        if state.held.len() >= unfinished {
            state.decide(Fault::Job);
        }
    }
}

impl State {
    fn decide(&mut self, fault: Fault) {
        for held in self.held.drain(..) {
            // An error means that it has waited long enough.
            let _ = held.send(fault);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::task::JoinSet;

    use super::*;

    /// The verdicts of `count` failures after which `then` happens.
    async fn verdicts(
        failures: &Arc<QuickFailures>,
        count: usize,
        then: impl FnOnce(&QuickFailures),
    ) -> Vec<Fault> {
        let mut held = JoinSet::new();
        for _ in 0..count {
            let failures = Arc::clone(failures);
            held.spawn(async move { failures.judge().await });
            tokio::task::yield_now().await;
        }
        then(failures);
        held.join_all().await
    }

    #[tokio::test(start_paused = true)]
    async fn the_fifth_failure_in_a_row_is_the_runners_fault_and_so_are_those_before() {
        let failures = Arc::new(QuickFailures::default());
        assert_eq!(verdicts(&failures, 4, QuickFailures::works).await, [Fault::Job; 4]);
        assert!(failures.has_worked());
        let settle = |failures: &QuickFailures| {
            failures.settle_last(5);
            assert_eq!(failures.state().held.len(), 4, "a fifth job may tell");
            failures.settle_last(4);
        };
        assert_eq!(verdicts(&failures, 4, settle).await, [Fault::Job; 4]);
        assert_eq!(failures.judge().await, Fault::Runner, "settling does not end the row");
        assert_eq!(failures.judge().await, Fault::Runner);
        failures.works();
        assert_eq!(verdicts(&failures, 5, |_| {}).await, [Fault::Runner; 5]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_held_for_ten_seconds_only() {
        let failures = QuickFailures::default();
        let since = tokio::time::Instant::now();
        assert_eq!(failures.judge().await, Fault::Job);
        assert_eq!(since.elapsed(), MAX_HOLD);
    }
}
