//! The timeouts of a request's body. A body that makes no progress, or is not there in time, fails
//! with an I/O error of kind `TimedOut`, which the gateway answers with 408 and gRPC with
//! DEADLINE_EXCEEDED.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::stall_timer::StallTimer;

/// What must arrive within the timeout, bytes. With a lower bound a client could hold a
/// connection for ever by a byte now and then.
const MIN_PROGRESS: usize = 1 << 10;

/// How long bodies may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyTimeouts {
    /// For each KiB.
    pub(crate) progress: Duration,
    /// For the whole: what a body makes of its memory while it dribbles in has an end.
    pub(crate) whole: Duration,
}

impl BodyTimeouts {
    /// `body`, which fails when it takes longer.
    pub(crate) fn apply(self, body: Body) -> Body {
        if body.is_end_stream() {
            return body;
        }
        Body::new(TimedBody {
            body,
            timeouts: self,
            progress: StallTimer::new(self.progress),
            end: Instant::now() + self.whole,
            end_timer: None,
            received: 0,
        })
    }
}

struct TimedBody {
    body: Body,
    timeouts: BodyTimeouts,
    progress: StallTimer,
    /// When the whole must be there.
    end: Instant,
    /// Only while the body is waited for: most bodies never need it.
    end_timer: Option<Pin<Box<Sleep>>>,
    /// Bytes since the progress was noted.
    received: usize,
}

impl TimedBody {
    fn poll_expired(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let BodyTimeouts { progress, whole } = self.timeouts;
        let end = self.end;
        let end_timer = self.end_timer.get_or_insert_with(|| Box::pin(sleep_until(end)));
        let text = if end_timer.as_mut().poll(context).is_ready() {
            format!("was not there within {} s", whole.as_secs_f32())
        } else if self.progress.poll_expired(context).is_ready() {
            format!("made no progress for {} s", progress.as_secs_f32())
        } else {
            return Poll::Pending;
        };
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, text))
    }

    fn count(&mut self, frame: &Frame<Bytes>) {
        self.received += frame.data_ref().map_or(0, Bytes::len);
        if self.received >= MIN_PROGRESS {
            self.received = 0;
            self.progress.reset();
        }
    }
}

impl HttpBody for TimedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) else {
            return self.poll_expired(context).map(|error| Some(Err(axum::Error::new(error))));
        };
        if let Some(Ok(frame)) = &frame {
            self.count(frame);
        }
        Poll::Ready(frame)
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
    use futures::{StreamExt as _, channel::mpsc};
    use http_body_util::BodyExt as _;
    use tokio::time::{advance, pause};

    use super::*;

    type Sender = mpsc::UnboundedSender<Result<Vec<u8>, io::Error>>;

    const TIMEOUT: Duration = Duration::from_secs(10);
    const WHOLE: Duration = Duration::from_secs(60);

    fn body() -> (Sender, Body) {
        let (sender, pieces) = mpsc::unbounded();
        let body = Body::from_stream(pieces.map(|piece| piece));
        (sender, BodyTimeouts { progress: TIMEOUT, whole: WHOLE }.apply(body))
    }

    #[tokio::test]
    async fn a_stalled_body_fails_after_the_timeout() {
        pause();
        let (_sender, body) = body();
        let start = Instant::now();
        let error = body.collect().await.unwrap_err();
        assert_eq!(error.to_string(), "made no progress for 10 s");
        assert_eq!(start.elapsed().as_secs(), 10);
    }

    #[tokio::test]
    async fn a_kib_resets_the_timeout_and_a_single_byte_does_not() {
        pause();
        for (size, succeeds) in [(1, false), (1024, true)] {
            let (sender, body) = body();
            let collected = tokio::spawn(body.collect());
            for _ in 0..4 {
                sender.unbounded_send(Ok(vec![0; size])).ok();
                tokio::task::yield_now().await;
                advance(TIMEOUT / 2).await;
                tokio::task::yield_now().await;
            }
            drop(sender);
            assert_eq!(collected.await.unwrap().is_ok(), succeeds, "{size}");
        }
    }
    #[tokio::test]
    async fn a_body_that_always_makes_progress_has_an_end_too() {
        pause();
        let (sender, body) = body();
        let collected = tokio::spawn(body.collect());
        for _ in 0..12 {
            sender.unbounded_send(Ok(vec![0; 1024])).ok();
            tokio::task::yield_now().await;
            advance(TIMEOUT / 2).await;
            tokio::task::yield_now().await;
        }
        let error = collected.await.unwrap().unwrap_err();
        assert_eq!(error.to_string(), "was not there within 60 s");
    }
}
