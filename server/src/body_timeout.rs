//! A request's body while it comes in. One that makes no progress fails: with an I/O error
//! of kind `TimedOut`, which is 408 to the gateway.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

/// What must come within the limit, bytes. A byte now and then is no progress.
const PROGRESS: usize = 1 << 10;

/// See the module.
pub(crate) struct BodyTimeout {
    body: Body,
    limit: Duration,
    /// Set while the client is waited for.
    timer: Option<Pin<Box<Sleep>>>,
    received: usize,
}

impl BodyTimeout {
    /// `body`, each KiB of which must come within `limit`.
    pub(crate) fn wrap(body: Body, limit: Duration) -> Body {
        if body.is_end_stream() {
            return body;
        }
        Body::new(Self { body, limit, timer: None, received: 0 })
    }

    fn poll_late(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let limit = self.limit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + limit)));
        timer.as_mut().poll(context).map(|()| {
            let told = format!("the request made no progress for {} s", limit.as_secs_f32());
            io::Error::new(io::ErrorKind::TimedOut, told)
        })
    }
}

impl HttpBody for BodyTimeout {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Pending => self.poll_late(context).map(|late| Some(Err(axum::Error::new(late)))),
            Poll::Ready(frame) => {
                if let Some(Ok(frame)) = &frame {
                    self.received += frame.data_ref().map_or(0, Bytes::len);
                }
                if self.received >= PROGRESS {
                    self.received = 0;
                    self.timer = None;
                }
                Poll::Ready(frame)
            }
        }
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

    const LIMIT: Duration = Duration::from_secs(10);

    fn body() -> (Sender, Body) {
        let (sender, pieces) = mpsc::unbounded();
        let body = Body::from_stream(pieces.map(|piece| piece));
        (sender, BodyTimeout::wrap(body, LIMIT))
    }

    #[tokio::test]
    async fn a_body_that_stands_still_fails_in_time() {
        pause();
        let (_sender, body) = body();
        let begun = Instant::now();
        let late = body.collect().await.unwrap_err();
        assert_eq!(late.to_string(), "the request made no progress for 10 s");
        assert_eq!(begun.elapsed().as_secs(), 10);
    }

    #[tokio::test]
    async fn a_byte_now_and_then_is_no_progress_and_a_kib_is() {
        pause();
        for (size, whole) in [(1, false), (1024, true)] {
            let (sender, body) = body();
            let whole_body = tokio::spawn(body.collect());
            for _ in 0..4 {
                sender.unbounded_send(Ok(vec![0; size])).ok();
                tokio::task::yield_now().await;
                advance(LIMIT / 2).await;
                tokio::task::yield_now().await;
            }
            drop(sender);
            assert_eq!(whole_body.await.unwrap().is_ok(), whole, "{size}");
        }
    }
}
