//! Compresses response messages for clients that accept gzip, but for small ones: they would gain
//! nothing. tonic compresses either all messages of a response or none, and would hold the limit
//! of a message against its compressed size; so it compresses none.

use std::{
    io::{self, Read as _},
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderName, HeaderValue, Response},
};
use bytes::{Buf as _, BufMut as _, BytesMut};
use flate2::{Compression, read::GzEncoder};
use http_body::{Body as HttpBody, Frame};
use spiderq_core::limits::MIN_COMPRESSED_BYTES;
use tonic::{Status, body::Body};

const ACCEPT: HeaderName = HeaderName::from_static("grpc-accept-encoding");
const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GZIP: HeaderValue = HeaderValue::from_static("gzip");
/// What is before each message: whether it is compressed, and its length in four bytes.
const PREFIX: usize = 5;

/// Whether the client of this request takes compressed messages.
pub(super) fn is_accepted(headers: &HeaderMap) -> bool {
    let lists = headers.get_all(ACCEPT).iter().filter_map(|list| list.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|coding| coding.trim() == "gzip")
}

/// The same response with its larger messages compressed.
pub(super) fn apply(mut response: Response<Body>) -> Response<Body> {
    // An error has no message.
    if response.headers().contains_key(STATUS) {
        return response;
    }
    response.headers_mut().insert(ENCODING, GZIP);
    response.map(|body| Body::new(CompressedBody { body, received: BytesMut::new() }))
}

struct CompressedBody {
    body: Body,
    /// The beginning of a message whose end has not come yet.
    received: BytesMut,
}

impl CompressedBody {
    /// The whole messages of `data`, after what was received before.
    fn messages(&mut self, data: Bytes) -> io::Result<Bytes> {
        if self.received.is_empty() && are_whole_and_small(&data) {
            return Ok(data);
        }
        self.received.extend_from_slice(&data);
        let mut messages = BytesMut::new();
        while let Some(length) = first_message(&self.received) {
            let message = self.received.split_to(length);
            if length < PREFIX + MIN_COMPRESSED_BYTES || message[0] != 0 {
                messages.extend_from_slice(&message);
            } else {
                compress(&message[PREFIX..], &mut messages)?;
            }
        }
        Ok(messages.freeze())
    }
}

/// The length of the first message with its prefix, if all of it is there.
fn first_message(bytes: &[u8]) -> Option<usize> {
    let length = bytes.get(1..PREFIX)?.get_u32() as usize;
    let whole = PREFIX.checked_add(length)?;
    (bytes.len() >= whole).then_some(whole)
}

fn are_whole_and_small(mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        match first_message(bytes) {
            Some(length) if length < PREFIX + MIN_COMPRESSED_BYTES => bytes = &bytes[length..],
            Some(_) | None => return false,
        }
    }
    true
}

fn compress(message: &[u8], into: &mut BytesMut) -> io::Result<()> {
    let mut compressed = Vec::with_capacity(message.len() / 2);
    GzEncoder::new(message, Compression::default()).read_to_end(&mut compressed)?;
    into.put_u8(1);
    into.put_u32(u32::try_from(compressed.len()).map_err(io::Error::other)?);
    into.extend_from_slice(&compressed);
    Ok(())
}

impl HttpBody for CompressedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        loop {
            let frame = match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => frame,
                other @ (Poll::Ready(Some(Err(_)) | None) | Poll::Pending) => return other,
            };
            let data = match frame.into_data() {
                Ok(data) => data,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            };
            match self.messages(data) {
                // No message is whole yet.
                Ok(messages) if messages.is_empty() => {}
                Ok(messages) => return Poll::Ready(Some(Ok(Frame::data(messages)))),
                Err(error) => {
                    tracing::error!(%error, "can't compress a message");
                    return Poll::Ready(Some(Err(Status::internal("internal error"))));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}

#[cfg(test)]
mod tests {
    use flate2::read::GzDecoder;
    use futures::stream;
    use http_body_util::{BodyExt as _, StreamBody};

    use super::*;

    fn message(text: &[u8]) -> Vec<u8> {
        let length = u32::try_from(text.len()).unwrap().to_be_bytes();
        [&[0][..], &length, text].concat()
    }

    async fn sent(pieces: Vec<Vec<u8>>) -> Vec<u8> {
        let pieces = pieces.into_iter().map(|piece| Ok::<_, Status>(Frame::data(piece.into())));
        let body = Body::new(StreamBody::new(stream::iter(pieces)));
        let answer = apply(Response::new(body));
        assert_eq!(answer.headers()[ENCODING], "gzip");
        answer.into_body().collect().await.unwrap().to_bytes().to_vec()
    }

    #[tokio::test]
    async fn only_messages_of_a_kib_are_compressed_however_they_come() {
        let (small, large) =
            (vec![b'x'; MIN_COMPRESSED_BYTES - 1], vec![b'y'; MIN_COMPRESSED_BYTES]);
        let all = [message(&small), message(&large), message(b"")].concat();
        let (head, tail) = all.split_at(3);
        let (middle, end) = tail.split_at(1_500);
        for pieces in [vec![all.clone()], vec![head.to_vec(), middle.to_vec(), end.to_vec()]] {
            let bytes = sent(pieces).await;
            let first = first_message(&bytes).unwrap();
            assert_eq!(bytes[..first], message(&small));
            let rest = &bytes[first..];
            let second = first_message(rest).unwrap();
            assert!(second < 100 && rest[0] == 1, "{second}");
            let mut text = Vec::new();
            GzDecoder::new(&rest[PREFIX..second]).read_to_end(&mut text).unwrap();
            assert_eq!(text, large);
            assert_eq!(rest[second..], message(b""));
        }
        assert_eq!(sent(vec![message(&small)]).await, message(&small));
    }

    #[test]
    fn gzip_is_one_of_the_encodings_that_a_client_lists() {
        let headers = |list: &str| [(ACCEPT, list.parse().unwrap())].into_iter().collect();
        assert!(is_accepted(&headers("identity, deflate, gzip")));
        assert!(!is_accepted(&headers("identity,deflate,gzipped")));
        assert!(!is_accepted(&HeaderMap::new()));
    }
}
