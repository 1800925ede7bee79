//! The body of a gRPC response: it ends with a status when the deadline passes, when the handler
//! panics while it produces messages, and of a stream without an end when it is ended from here.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use axum::{body::Bytes, http::HeaderMap};
use futures::future::BoxFuture;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::{Status, body::Body};

use super::{deadline_exceeded, handler_panicked};

pub(super) struct GuardedBody {
    body: Body,
    deadline: Option<Instant>,
    /// Until the deadline; only of a body that is waited for, as timers cost more than a response.
    timer: Option<Pin<Box<Sleep>>>,
    /// When and how it is ended; `None` for a response that may take until its own end.
    end: Option<BoxFuture<'static, Status>>,
    ended: bool,
}

impl GuardedBody {
    pub(super) fn new(
        body: Body,
        deadline: Option<Instant>,
        end: Option<BoxFuture<'static, Status>>,
    ) -> Self {
        Self { body, deadline, timer: None, end, ended: false }
    }

    fn poll_deadline(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.deadline else { return Poll::Pending };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        timer.as_mut().poll(context)
    }

    /// Drops the handler's stream, and with it the work, and sends `status` as trailers.
    fn end_with(&mut self, status: Status) -> Frame<Bytes> {
        self.body = Body::empty();
        self.ended = true;
        let mut trailers = HeaderMap::new();
        if status.add_header(&mut trailers).is_err() {
            tracing::error!("can't encode a gRPC status");
        }
        Frame::trailers(trailers)
    }
}

impl HttpBody for GuardedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            return Poll::Ready(Some(Ok(self.end_with(deadline_exceeded()))));
        }
        let body = &mut self.body;
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(body).poll_frame(context)))
            .unwrap_or_else(|_| Poll::Ready(Some(Ok(self.end_with(handler_panicked())))));
        // What is there already goes out first.
        if polled.is_pending() && self.poll_deadline(context).is_ready() {
            return Poll::Ready(Some(Ok(self.end_with(deadline_exceeded()))));
        }
        if polled.is_pending()
            && let Some(end) = &mut self.end
            && let Poll::Ready(status) = end.as_mut().poll(context)
        {
            return Poll::Ready(Some(Ok(self.end_with(status))));
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::stream;
    use http_body_util::{BodyExt as _, StreamBody};
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_always_has_more_ends_at_its_deadline() {
        let more = || Ok::<_, Status>(Frame::data(Bytes::from_static(b"x")));
        let endless = Body::new(StreamBody::new(stream::repeat_with(more)));
        let second = Duration::from_secs(1);
        let mut body = GuardedBody::new(endless, Some(Instant::now() + second), None);
        assert!(body.frame().await.unwrap().unwrap().is_data());
        advance(second).await;
        let end = body.frame().await.unwrap().unwrap().into_trailers().unwrap();
        assert_eq!(end["grpc-status"], "4");
        assert!(body.frame().await.is_none());
    }
}
