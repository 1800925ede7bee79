//! An answer's body: ends with a status when the deadline passes or a handler panics.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use axum::{body::Bytes, http::HeaderMap};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::{Status, body::Body};

use super::{late, panicked};

/// See the module.
pub(super) struct Bounded {
    body: Body,
    deadline: Option<Pin<Box<Sleep>>>,
    ended: bool,
}

impl Bounded {
    pub(super) fn new(body: Body, due: Option<Instant>) -> Self {
        Self { deadline: due.map(|due| Box::pin(sleep_until(due))), body, ended: false }
    }

    /// Drops what still works on the answer, and says why.
    fn end(&mut self, status: Status) -> Frame<Bytes> {
        self.body = Body::empty();
        self.ended = true;
        let mut trailers = HeaderMap::new();
        if status.add_header(&mut trailers).is_err() {
            tracing::error!("a status could not be encoded");
        }
        Frame::trailers(trailers)
    }
}

impl HttpBody for Bounded {
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
            return Poll::Ready(Some(Ok(self.end(late()))));
        }
        let body = &mut self.body;
        catch_unwind(AssertUnwindSafe(|| Pin::new(body).poll_frame(context)))
            .unwrap_or_else(|_| Poll::Ready(Some(Ok(self.end(panicked())))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
