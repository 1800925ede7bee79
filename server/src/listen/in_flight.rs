//! How many requests a connection has under way: from their heads to the last bytes of
//! their answers. Tells how long there has been none.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, sleep_until};

/// Shared by all that belongs to one connection.
#[derive(Clone, Debug)]
pub(super) struct InFlight(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    running: usize,
    begun: u64,
    /// When the last request ended; of no meaning while one runs.
    idle_since: Instant,
}

impl InFlight {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State { running: 0, begun: 0, idle_since: Instant::now() })))
    }

    /// A request is under way until what this returns is dropped.
    pub(super) fn begin(&self) -> Request {
        let mut state = self.state();
        state.running += 1;
        state.begun += 1;
        Request(self.clone())
    }

    /// How many requests have begun so far, if none is under way now.
    pub(super) fn idle_after(&self) -> Option<u64> {
        let state = self.state();
        (state.running == 0).then_some(state.begun)
    }

    /// Returns when there has been no request for so long. Requests wake nobody: what has
    /// happened meanwhile is seen when the time is up.
    pub(super) async fn idle_for(&self, long: Duration) {
        loop {
            let since = self.idle_since().unwrap_or_else(Instant::now);
            sleep_until(since + long).await;
            let since = self.idle_since();
            if since.is_some_and(|since| since.elapsed() >= long) {
                return;
            }
        }
    }

    fn idle_since(&self) -> Option<Instant> {
        let state = self.state();
        (state.running == 0).then_some(state.idle_since)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request under way.
#[derive(Debug)]
pub(super) struct Request(InFlight);

impl Request {
    /// `body`, whose end is the end of this request.
    pub(super) fn until_the_end_of(self, body: Body) -> Body {
        Body::new(Answer { body, _request: self })
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.running -= 1;
        state.idle_since = Instant::now();
    }
}

struct Answer {
    body: Body,
    _request: Request,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use tokio::time::{advance, pause};

    use super::*;

    const LONG: Duration = Duration::from_secs(300);

    #[tokio::test]
    async fn idle_time_counts_from_the_end_of_the_last_answer() {
        pause();
        let activity = InFlight::new();
        let mut idle = Box::pin(activity.idle_for(LONG));
        assert!((&mut idle).now_or_never().is_none());
        let request = activity.begin();
        assert_eq!(activity.idle_after(), None);
        advance(LONG * 2).await;
        assert!((&mut idle).now_or_never().is_none());
        drop(request.until_the_end_of(Body::from("x")));
        assert_eq!(activity.idle_after(), Some(1));
        let ended = Instant::now();
        idle.await;
        assert!(ended.elapsed() >= LONG && ended.elapsed() < LONG * 2);
    }
}
