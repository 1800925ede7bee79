//! The requests under way on one connection, each from its head to the last byte of its
//! response, and for how long there has been none. A stream that needs no credentials counts for
//! a limited time: its client may never read it to its end.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep};

/// Shared by all parts of one connection.
#[derive(Clone, Debug)]
pub(super) struct InFlight(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    running: usize,
    /// Those of `running` that count for a limited time.
    limited: usize,
    /// Requests since the connection was opened.
    begun: u64,
    /// When the last request ended, or when the last limited one ceases to count. Meaningless
    /// while another is running.
    idle_since: Instant,
}

impl InFlight {
    pub(super) fn new() -> Self {
        let idle_since = Instant::now();
        Self(Arc::new(Mutex::new(State { running: 0, limited: 0, begun: 0, idle_since })))
    }

    /// A request is under way until the guard is dropped. With a `limit` it counts no longer than
    /// that.
    pub(super) fn begin(&self, limit: Option<Duration>) -> RequestGuard {
        let mut state = self.state();
        state.running += 1;
        state.begun += 1;
        if let Some(limit) = limit {
            state.limited += 1;
            state.idle_since = state.idle_since.max(Instant::now() + limit);
        }
        RequestGuard { in_flight: self.clone(), is_limited: limit.is_some() }
    }

    /// How many requests have begun so far; `None` while one is running.
    pub(super) fn begun_if_idle(&self) -> Option<u64> {
        let state = self.state();
        (state.running == 0).then_some(state.begun)
    }

    /// Returns once there has been no request for the time that `limit` says, which may change
    /// meanwhile. A request does not wake this task: it looks again when the time is over, so that
    /// requests cost nothing more.
    pub(super) async fn idle_for(&self, limit: impl Fn() -> Duration) {
        loop {
            let (limit, idle) = (limit(), self.idle_time().unwrap_or_default());
            if idle >= limit {
                return;
            }
            sleep(limit - idle).await;
        }
    }

    /// `None` while a request is running, but for limited ones: during their time it is zero.
    pub(super) fn idle_time(&self) -> Option<Duration> {
        let state = self.state();
        let is_idle = state.running == state.limited;
        is_idle.then(|| Instant::now().saturating_duration_since(state.idle_since))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request under way.
#[derive(Debug)]
pub(super) struct RequestGuard {
    in_flight: InFlight,
    is_limited: bool,
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        let mut state = self.in_flight.state();
        state.running -= 1;
        state.limited -= usize::from(self.is_limited);
        let now = Instant::now();
        state.idle_since = if state.limited == 0 { now } else { state.idle_since.max(now) };
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use tokio::time::{advance, pause};

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(300);

    #[tokio::test]
    async fn idle_time_counts_from_the_end_of_the_last_response() {
        pause();
        let in_flight = InFlight::new();
        let mut idle = Box::pin(in_flight.idle_for(|| TIMEOUT));
        assert!((&mut idle).now_or_never().is_none());
        let request = in_flight.begin(None);
        assert_eq!(in_flight.begun_if_idle(), None);
        advance(TIMEOUT * 2).await;
        assert!((&mut idle).now_or_never().is_none());
        drop(request);
        assert_eq!(in_flight.begun_if_idle(), Some(1));
        let ended = Instant::now();
        idle.await;
        assert!(ended.elapsed() >= TIMEOUT && ended.elapsed() < TIMEOUT * 2);
    }

    #[tokio::test]
    async fn a_limited_request_counts_no_longer_than_its_limit() {
        pause();
        let in_flight = InFlight::new();
        let begun = Instant::now();
        let _never_ends = in_flight.begin(Some(TIMEOUT));
        assert_eq!(in_flight.begun_if_idle(), None);
        in_flight.idle_for(|| TIMEOUT).await;
        assert!(begun.elapsed() >= TIMEOUT * 2 && begun.elapsed() < TIMEOUT * 3);
        let other = in_flight.begin(None);
        assert_eq!(in_flight.idle_time(), None);
        drop(other);
        assert_eq!(in_flight.idle_time(), Some(Duration::ZERO));
    }
}
