//! Reads the one message of a call, and decompresses it, so that its size is known and bounded
//! before it is decoded.

use std::io::Read as _;

use axum::http::HeaderMap;
use bytes::{BufMut as _, Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use http_body_util::{BodyExt as _, Full};
use spiderq_core::{
    Reservation,
    error::Error,
    limits::{FREE_EXPANSION_BYTES, MAX_EXPANSION},
};
use tonic::{Status, body::Body};

/// A flag that says whether it is compressed, and the length of what follows, as 32 bits.
const PREFIX_BYTES: usize = 5;
/// The flag of a message that is compressed; 0 is one that is not, and there are no others.
const COMPRESSED: u8 = 1;
/// What is decompressed before other tasks get their turn, bytes.
const CHUNK_BYTES: usize = 256 << 10;

/// One message behind its prefix; or what came of it where the body ended early, which tonic
/// refuses.
#[derive(Debug)]
pub(super) struct Message(Bytes);

impl Message {
    pub(super) fn payload(&self) -> &[u8] {
        self.0.get(PREFIX_BYTES..).unwrap_or_default()
    }

    pub(super) fn into_body(self) -> Body {
        Body::new(Full::new(self.0))
    }
}

/// The message in `body`, of at most `limit` bytes before and after decompression. `memory` grows
/// with what is read.
pub(super) async fn read(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    memory: &mut Reservation,
) -> Result<Message, Status> {
    let raw = collect(body, limit, memory).await?;
    let is_gzip = headers.get("grpc-encoding").is_some_and(|encoding| encoding == "gzip");
    let is_whole = length_of(&raw).is_some_and(|length| raw.len() == PREFIX_BYTES + length);
    if !is_whole || raw[0] != COMPRESSED || !is_gzip {
        return Ok(Message(raw));
    }
    decompress(&raw[PREFIX_BYTES..], limit, memory).await.map(Message)
}

/// The body, which is to be one message with its prefix.
async fn collect(mut body: Body, limit: usize, memory: &mut Reservation) -> Result<Bytes, Status> {
    let mut raw = BytesMut::new();
    while let Some(frame) = body.frame().await {
        // Clients send no trailers; tonic ignores them.
        let Ok(data) = frame?.into_data() else { continue };
        reserve(memory, data.len()).await?;
        raw.extend_from_slice(&data);
        let Some(length) = length_of(&raw) else { continue };
        if length > limit {
            return Err(too_large(limit));
        }
        if raw.len() > PREFIX_BYTES + length {
            return Err(Status::invalid_argument("the call takes one message, not several"));
        }
    }
    Ok(raw.freeze())
}

/// That of what follows the prefix, once the prefix is there.
fn length_of(raw: &[u8]) -> Option<usize> {
    let length = raw.get(1..PREFIX_BYTES)?;
    Some(length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
}

async fn decompress(
    compressed: &[u8],
    limit: usize,
    memory: &mut Reservation,
) -> Result<Bytes, Status> {
    let allowed = compressed.len().saturating_mul(MAX_EXPANSION).max(FREE_EXPANSION_BYTES);
    let mut decoder = MultiGzDecoder::new(compressed);
    let mut message = BytesMut::zeroed(PREFIX_BYTES);
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = decoder.read(&mut chunk);
        let read = read.map_err(|_| Status::internal("the message is no valid gzip"))?;
        if read == 0 {
            break;
        }
        let length = message.len() - PREFIX_BYTES + read;
        if length > limit {
            return Err(too_large(limit));
        }
        if length > allowed {
            let accepted = format!("must not expand more than {MAX_EXPANSION} times");
            return Err(spiderq_service::status_of(&Error::too_large("message", accepted)));
        }
        reserve(memory, read).await?;
        message.extend_from_slice(&chunk[..read]);
        tokio::task::yield_now().await;
    }
    let length = u32::try_from(message.len() - PREFIX_BYTES).map_err(|_| too_large(limit))?;
    (&mut message[1..PREFIX_BYTES]).put_u32(length);
    Ok(message.freeze())
}

async fn reserve(memory: &mut Reservation, bytes: usize) -> Result<(), Status> {
    memory.grow_in_time(bytes).await.map_err(|error| spiderq_service::status_of(&error))
}

fn too_large(limit: usize) -> Status {
    let error = Error::too_large("message", format!("must be at most {limit} bytes"));
    spiderq_service::status_of(&error)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};
    use spiderq_core::MemoryBudget;
    use tonic::Code;

    use super::*;

    const LIMIT: usize = 8 << 20;

    fn framed(flag: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&[flag], &length[..], payload].concat()
    }

    fn gzip(payload: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(payload).unwrap();
        encoder.finish().unwrap()
    }

    /// Also the bytes that are reserved at the end.
    async fn read(body: Vec<u8>, budget: usize) -> Result<(Message, usize), Status> {
        let headers =
            HeaderMap::from_iter([("grpc-encoding".parse().unwrap(), "gzip".parse().unwrap())]);
        let mut memory = MemoryBudget::new(budget).account("a");
        let body = Body::new(Full::new(Bytes::from(body)));
        let message = super::read(&headers, body, LIMIT, &mut memory).await?;
        Ok((message, memory.bytes()))
    }

    #[tokio::test]
    async fn a_message_is_reserved_as_it_is_read_and_decompressed() {
        let payload = b"abc".repeat(100);
        let (plain, reserved) = read(framed(0, &payload), usize::MAX).await.unwrap();
        assert_eq!((plain.payload(), reserved), (&payload[..], payload.len() + PREFIX_BYTES));
        let compressed = gzip(&payload);
        let (message, reserved) = read(framed(1, &compressed), usize::MAX).await.unwrap();
        assert_eq!(message.0, framed(0, &payload));
        assert_eq!(reserved, compressed.len() + PREFIX_BYTES + payload.len());
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_waits_for_memory_that_others_hold() {
        let budget = MemoryBudget::new(200 << 10);
        let (mut other, mut memory) = (budget.account("a"), budget.account("a"));
        other.grow(100 << 10).unwrap();
        let body = Body::new(Full::new(Bytes::from(framed(0, &vec![0; 20 << 10]))));
        let headers = HeaderMap::new();
        let reading = super::read(&headers, body, LIMIT, &mut memory);
        let free = async {
            tokio::task::yield_now().await;
            drop(other);
        };
        let (read, ()) = tokio::join!(reading, free);
        assert_eq!(read.unwrap().payload().len(), 20 << 10);
    }

    #[tokio::test]
    async fn what_is_too_large_is_refused_before_it_is_held() {
        // Only the prefix came, and it says too much.
        let mut long = framed(0, b"");
        long[1..5].copy_from_slice(&u32::try_from(LIMIT + 1).unwrap().to_be_bytes());
        let bomb = framed(1, &gzip(&vec![0; LIMIT + 1]));
        let within = framed(1, &gzip(&vec![0; LIMIT]));
        for (body, budget, text) in [
            (long, usize::MAX, "message: must be at most 8388608 bytes"),
            (bomb, usize::MAX, "message: must not expand more than 200 times"),
            (within.clone(), usize::MAX, "message: must not expand more than 200 times"),
            (within, 2 << 20, "message: needs more memory than the server has for it"),
        ] {
            let status = read(body, budget).await.unwrap_err();
            assert_eq!((status.code(), status.message()), (Code::ResourceExhausted, text));
        }
    }

    #[tokio::test]
    async fn a_second_message_and_broken_gzip_are_refused() {
        let two = [framed(0, b"a"), framed(0, b"b")].concat();
        assert_eq!(read(two, usize::MAX).await.unwrap_err().code(), Code::InvalidArgument);
        assert_eq!(read(framed(1, b"x"), usize::MAX).await.unwrap_err().code(), Code::Internal);
    }
}
