//! Streams of HTTP/2 whose client shuts the flow-control window. hyper takes a piece of the body,
//! waits for room with it, and asks for no more; pings go on as if nothing were wrong. So each
//! stream notes when its last piece was taken, and its task ends, which resets it, when a piece has
//! waited for too long. A body that has nothing to send waits for nobody.

use std::{
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::Duration,
};

use hyper::rt::Executor;
use tokio::time::{Instant, sleep};

tokio::task_local! {
    /// Of the stream whose task this is.
    static STREAM: Stall;
}

/// Since when the client of a stream has been waited for.
#[derive(Clone, Debug, Default)]
pub(super) struct Stall(Arc<Mutex<Option<Instant>>>);

impl Stall {
    /// Of the stream whose task this is; `None` for HTTP/1, where a client that reads nothing
    /// blocks its socket.
    pub(super) fn of_this_stream() -> Option<Self> {
        STREAM.try_with(Clone::clone).ok()
    }

    /// A piece of the body was handed over: from now on its client is waited for …
    pub(super) fn begin(&self) {
        *self.since() = Some(Instant::now());
    }

    /// … until more of the body is asked for.
    pub(super) fn end(&self) {
        *self.since() = None;
    }

    /// Returns once the client was waited for as long as `timeout`. To be polled whenever the stream
    /// was: only then a wait begins. It looks again when the wait may have lasted, so that requests
    /// cost no wake-ups, and most no timer.
    async fn lasts(&self, timeout: Duration) {
        loop {
            let since = poll_fn(|_| self.since().map_or(Poll::Pending, Poll::Ready)).await;
            let waited = since.elapsed();
            if waited >= timeout {
                return;
            }
            sleep(timeout - waited).await;
        }
    }

    fn since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs each stream of a connection in a task of its own, which ends when its client has taken
/// nothing for `timeout`.
#[derive(Clone, Debug)]
pub(super) struct StreamExecutor {
    timeout: Duration,
}

impl StreamExecutor {
    pub(super) const fn new(timeout: Duration) -> Self {
        Self { timeout }
    }
}

impl<F> Executor<F> for StreamExecutor
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, stream: F) {
        let (stall, timeout) = (Stall::default(), self.timeout);
        let watched = stall.clone();
        tokio::spawn(STREAM.scope(stall, async move {
            tokio::select! {
                biased;
                _ = stream => {}
                () = watched.lasts(timeout) => {
                    tracing::debug!("a client took nothing of a response, its stream is reset");
                }
            }
        }));
    }
}

/// Does `work` as in the task of a stream.
#[cfg(test)]
pub(super) async fn in_stream<T>(work: impl Future<Output = T>) -> T {
    STREAM.scope(Stall::default(), work).await
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use tokio::time::advance;

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn only_a_client_that_is_waited_for_is_too_slow() {
        let stall = Stall::default();
        let watched = stall.clone();
        let mut lasts = Box::pin(async move { watched.lasts(TIMEOUT).await });
        assert!((&mut lasts).now_or_never().is_none());
        advance(TIMEOUT * 3 / 2).await;
        assert!((&mut lasts).now_or_never().is_none());
        for _ in 0..5 {
            stall.begin();
            advance(TIMEOUT / 2).await;
            assert!((&mut lasts).now_or_never().is_none());
            stall.end();
        }
        stall.begin();
        let start = Instant::now();
        lasts.await;
        assert_eq!(start.elapsed().as_secs(), TIMEOUT.as_secs());
    }
}
