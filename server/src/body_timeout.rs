//! The timeout of a request's body. A body that makes no progress fails with an I/O error of kind
//! `TimedOut`, which the gateway answers with 408 and gRPC with DEADLINE_EXCEEDED.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};

use crate::stall_timer::StallTimer;

/// What must arrive within the timeout, bytes. With a lower bound a client could hold a
/// connection for ever by a byte now and then.
const MIN_PROGRESS: usize = 1 << 10;

/// `body`, each KiB of which must arrive within `timeout`.
pub(crate) fn apply(body: Body, timeout: Duration) -> Body {
    if body.is_end_stream() {
        return body;
    }
    Body::new(TimedBody { body, timeout, timer: StallTimer::new(timeout), received: 0 })
}

struct TimedBody {
    body: Body,
    timeout: Duration,
    timer: StallTimer,
    /// Bytes since the timer was reset.
    received: usize,
}

impl TimedBody {
    fn poll_expired(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        self.timer.poll_expired(context).map(|()| {
            let seconds = self.timeout.as_secs_f32();
            let text = format!("made no progress for {seconds} s");
            io::Error::new(io::ErrorKind::TimedOut, text)
        })
    }

    fn count(&mut self, frame: &Frame<Bytes>) {
        self.received += frame.data_ref().map_or(0, Bytes::len);
        if self.received >= MIN_PROGRESS {
            self.received = 0;
            self.timer.reset();
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
    use tokio::time::{Instant, advance, pause};

    use super::*;

    type Sender = mpsc::UnboundedSender<Result<Vec<u8>, io::Error>>;

    const TIMEOUT: Duration = Duration::from_secs(10);

    fn body() -> (Sender, Body) {
        let (sender, pieces) = mpsc::unbounded();
        let body = Body::from_stream(pieces.map(|piece| piece));
        (sender, apply(body, TIMEOUT))
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
}
