//! The body of a response on its way to the connection: in small pieces, so that a client that
//! pauses has little of it in hyper's buffers, and the rest is dropped with the request. Holds the
//! memory that the response reserved, and notes for how long its client takes nothing.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::{Body, Bytes};
use http_body::{Body as HttpBody, Frame, SizeHint};
use spiderq_core::HeldMemory;

use super::{in_flight::RequestGuard, stall::Stall};

/// Bytes of a piece: a frame of HTTP/2.
const MAX_PIECE: usize = 16 << 10;
/// Bytes that a piece may keep in memory as long as it is buffered itself.
const MAX_SHARED: usize = 64 << 10;
/// Bytes that an HTTP/2 stream may leave in hyper's buffers once its body is at its end, where no
/// timer sees them. Of more, the last byte comes alone: it is taken when all before it is sent.
const MAX_UNSEEN: usize = 2 << 10;

pub(super) struct ResponseBody {
    body: Body,
    /// What is left of a piece that was too large.
    rest: Bytes,
    /// Whether that is part of more than [`MAX_SHARED`].
    is_large: bool,
    stall: Option<Stall>,
    _held: Option<HeldMemory>,
    _request: RequestGuard,
}

impl ResponseBody {
    /// The request ends, and its memory is given back, when the body is dropped: sent, or given up.
    pub(super) fn new(body: Body, request: RequestGuard, held: Option<HeldMemory>) -> Self {
        let stall = Stall::of_this_stream();
        let rest = Bytes::new();
        Self { body, rest, is_large: false, stall, _held: held, _request: request }
    }

    fn piece(&mut self) -> Frame<Bytes> {
        let last = if self.stall.is_some() && self.rest.len() > 1 { 1 } else { 0 };
        let piece = self.rest.split_to((self.rest.len() - last).min(MAX_PIECE));
        Frame::data(if self.is_large { Bytes::copy_from_slice(&piece) } else { piece })
    }

    fn poll_piece(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if !self.rest.is_empty() {
            return Poll::Ready(Some(Ok(self.piece())));
        }
        let whole = if self.stall.is_some() { MAX_UNSEEN } else { MAX_PIECE };
        let polled = Pin::new(&mut self.body).poll_frame(context);
        polled.map_ok(|frame| match frame.into_data() {
            Ok(data) if data.len() > whole => {
                self.is_large = data.len() > MAX_SHARED;
                self.rest = data;
                self.piece()
            }
            Ok(data) => Frame::data(data),
            Err(trailers) => trailers,
        })
    }
}

impl HttpBody for ResponseBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Some(stall) = &self.stall {
            stall.end();
        }
        let polled = self.poll_piece(context);
        if let (Poll::Ready(Some(_)), Some(stall)) = (&polled, &self.stall) {
            stall.begin();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (body, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(body.lower() + rest);
        if let Some(upper) = body.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use spiderq_core::{MemoryBudget, limits::FREE_MEMORY_BYTES};

    use super::{
        super::{in_flight::InFlight, stall},
        *,
    };

    /// The sizes of the pieces of a body of so many bytes.
    async fn pieces(bytes: usize) -> Vec<usize> {
        let (in_flight, budget) = (InFlight::new(), MemoryBudget::new(1 << 20));
        let mut memory = budget.account("a");
        memory.grow(FREE_MEMORY_BYTES + 100).unwrap();
        let whole: Vec<u8> = (0..bytes).map(|index| (index % 251) as u8).collect();
        let held = Some(HeldMemory::from(memory));
        let mut body = ResponseBody::new(Body::from(whole.clone()), in_flight.begin(None), held);
        assert_eq!(body.size_hint().exact(), Some(whole.len() as u64));
        let mut pieces = Vec::new();
        while let Some(frame) = body.frame().await {
            pieces.push(frame.unwrap().into_data().unwrap());
            let left = whole.len() - pieces.iter().map(Bytes::len).sum::<usize>();
            assert_eq!(body.size_hint().exact(), Some(left as u64));
            assert_eq!(body.is_end_stream(), left == 0);
        }
        assert_eq!(pieces.concat(), whole);
        assert_eq!((budget.used(), in_flight.begun_if_idle()), (100, None));
        drop(body);
        assert_eq!((budget.used(), in_flight.begun_if_idle()), (0, Some(1)));
        pieces.iter().map(Bytes::len).collect()
    }

    #[tokio::test]
    async fn a_large_body_comes_in_pieces_and_holds_its_memory_to_the_end() {
        assert_eq!(pieces(MAX_PIECE).await, [MAX_PIECE]);
        assert_eq!(pieces(MAX_PIECE * 2 + 5).await, [MAX_PIECE, MAX_PIECE, 5]);
        let of_large = [vec![MAX_PIECE; MAX_SHARED / MAX_PIECE], vec![7]].concat();
        assert_eq!(pieces(MAX_SHARED + 7).await, of_large);
    }

    #[tokio::test]
    async fn the_last_byte_of_a_stream_comes_when_all_before_it_is_sent() {
        stall::in_stream(async {
            assert_eq!(pieces(MAX_UNSEEN).await, [MAX_UNSEEN]);
            assert_eq!(pieces(MAX_UNSEEN + 1).await, [MAX_UNSEEN, 1]);
            assert_eq!(pieces(MAX_PIECE * 2).await, [MAX_PIECE, MAX_PIECE - 1, 1]);
        })
        .await;
    }
}
