//! The body of a gRPC response: it ends with a status when the deadline passes, when the handler
//! panics while it produces messages, and of a stream without an end when the server stops.

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

use super::{deadline_exceeded, handler_panicked, shutting_down};

pub(super) struct GuardedBody {
    body: Body,
    deadline: Option<Pin<Box<Sleep>>>,
    /// When the server stops; `None` for a response that may take until its own end.
    stop: Option<BoxFuture<'static, ()>>,
    ended: bool,
}

impl GuardedBody {
    pub(super) fn new(
        body: Body,
        deadline: Option<Instant>,
        stop: Option<BoxFuture<'static, ()>>,
    ) -> Self {
        let deadline = deadline.map(|deadline| Box::pin(sleep_until(deadline)));
        Self { body, deadline, stop, ended: false }
    }

    /// Drops the handler's stream, and with it the work, and sends `status` as trailers.
    fn end(&mut self, status: Status) -> Frame<Bytes> {
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
        if let Some(deadline) = &mut self.deadline
            && deadline.as_mut().poll(context).is_ready()
        {
            return Poll::Ready(Some(Ok(self.end(deadline_exceeded()))));
        }
        let body = &mut self.body;
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(body).poll_frame(context)))
            .unwrap_or_else(|_| Poll::Ready(Some(Ok(self.end(handler_panicked())))));
        // What is there already goes out first.
        if polled.is_pending()
            && let Some(stop) = &mut self.stop
            && stop.as_mut().poll(context).is_ready()
        {
            return Poll::Ready(Some(Ok(self.end(shutting_down()))));
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
