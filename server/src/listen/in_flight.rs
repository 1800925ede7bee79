//! The requests under way on one connection, each from its head to the last byte of its
//! response, and for how long there has been none.

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
    /// Requests since the connection was opened.
    begun: u64,
    /// When the last request ended; meaningless while one is running.
    idle_since: Instant,
}

impl InFlight {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State { running: 0, begun: 0, idle_since: Instant::now() })))
    }

    /// A request is under way until the guard is dropped.
    pub(super) fn begin(&self) -> RequestGuard {
        let mut state = self.state();
        state.running += 1;
        state.begun += 1;
        RequestGuard(self.clone())
    }

    /// How many requests have begun so far; `None` while one is running.
    pub(super) fn begun_if_idle(&self) -> Option<u64> {
        let state = self.state();
        (state.running == 0).then_some(state.begun)
    }

    /// Returns once there has been no request for `duration`. A request does not wake this task:
    /// it looks again when the time is over, so that requests cost nothing more.
    pub(super) async fn idle_for(&self, duration: Duration) {
        loop {
            let idle = self.idle_time();
            if idle >= duration {
                return;
            }
            sleep(duration - idle).await;
        }
    }

    /// Zero while a request is running.
    fn idle_time(&self) -> Duration {
        let state = self.state();
        if state.running == 0 { state.idle_since.elapsed() } else { Duration::ZERO }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request under way.
#[derive(Debug)]
pub(super) struct RequestGuard(InFlight);

impl Drop for RequestGuard {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.running -= 1;
        state.idle_since = Instant::now();
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
        let mut idle = Box::pin(in_flight.idle_for(TIMEOUT));
        assert!((&mut idle).now_or_never().is_none());
        let request = in_flight.begin();
        assert_eq!(in_flight.begun_if_idle(), None);
        advance(TIMEOUT * 2).await;
        assert!((&mut idle).now_or_never().is_none());
        drop(request);
        assert_eq!(in_flight.begun_if_idle(), Some(1));
        let ended = Instant::now();
        idle.await;
        assert!(ended.elapsed() >= TIMEOUT && ended.elapsed() < TIMEOUT * 2);
    }
}
