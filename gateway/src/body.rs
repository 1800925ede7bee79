//! Reads the body of a request whole, within the limits of its size and of the memory that all
//! requests share.

use std::{error::Error, io, iter, mem};

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body_util::BodyExt as _;
use spiderq_core::{
    Reservation,
    limits::{
        FREE_EXPANSION_BYTES, MAX_EXPANSION, MAX_KEYLESS_FORM_BYTES, MAX_METADATA_REQUEST_BYTES,
        MAX_SMALL_REQUEST_BYTES,
    },
};

use crate::{
    content_encoding::{ContentEncoding, Gunzip},
    errors::Problem,
};

/// What the bytes of a body cost: the body, the messages made of it and the copy for the store.
const COPIES: usize = 3;
/// What a value costs beside its bytes: its place among others, its name.
const VALUE_BYTES: usize = 32;

/// Largest body at `path`, bytes after decompression.
pub(crate) fn limit(path: &str, max_body: usize) -> usize {
    let mut parts = path.trim_matches('/').split('/');
    let limit = match (parts.next(), parts.nth(1)) {
        (Some("jobq"), Some("push" | "update" | "cancel")) | (Some("api"), _) => max_body,
        (Some("jobq"), Some("startjob")) | (Some("jobs" | "projects"), _) => {
            MAX_METADATA_REQUEST_BYTES
        }
        _ => MAX_SMALL_REQUEST_BYTES,
    };
    limit.min(max_body)
}

/// The body, and the memory that it takes. `limit` is in bytes, after decompression.
pub(crate) async fn read(
    body: Body,
    encoding: ContentEncoding,
    limit: usize,
    mut memory: Reservation,
) -> Result<(Bytes, Reservation), Problem> {
    let body = collect(body, encoding, limit, &mut memory).await?;
    let values = body.iter().filter(|byte| matches!(byte, b',' | b':' | b'\n' | b'{' | b'['));
    let cost = COPIES * body.len() + values.count() * VALUE_BYTES;
    let more = cost.saturating_sub(memory.bytes());
    reserve(&mut memory, more).await?;
    Ok((body, memory))
}

/// The body of a form whose caller is not known yet.
pub(crate) async fn read_keyless(
    body: Body,
    encoding: ContentEncoding,
    mut memory: Reservation,
) -> Result<(Bytes, Reservation), Problem> {
    // It could cost more to read than to send.
    if encoding != ContentEncoding::Identity {
        return Err(Problem::unauthenticated());
    }
    let body = collect(body, encoding, MAX_KEYLESS_FORM_BYTES, &mut memory).await?;
    let more = (COPIES * body.len()).saturating_sub(memory.bytes());
    reserve(&mut memory, more).await?;
    Ok((body, memory))
}

async fn collect(
    body: Body,
    encoding: ContentEncoding,
    limit: usize,
    memory: &mut Reservation,
) -> Result<Bytes, Problem> {
    let mut pieces = Pieces::new(body, encoding);
    let mut bytes = BytesMut::new();
    while let Some(piece) = pieces.next().await? {
        reserve(memory, piece.len()).await?;
        if bytes.len() + piece.len() > limit {
            return Err(too_large(format!("must be at most {limit} bytes")));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes.freeze())
}

/// A body as it comes, decompressed.
pub(crate) struct Pieces {
    body: Body,
    gunzip: Option<Gunzip>,
    /// What has arrived and is to be decompressed.
    compressed: Bytes,
    /// Bytes that have arrived, before decompression.
    arrived: usize,
    /// Bytes that were returned.
    length: usize,
}

impl Pieces {
    pub(crate) fn new(body: Body, encoding: ContentEncoding) -> Self {
        let gunzip = match encoding {
            ContentEncoding::Identity => None,
            ContentEncoding::Gzip => Some(Gunzip::new()),
        };
        Self { body, gunzip, compressed: Bytes::new(), arrived: 0, length: 0 }
    }

    /// The next piece, which may be empty; `None` once all has come.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        let Some(piece) = self.decompress().await? else { return Ok(None) };
        self.length += piece.len();
        let allowed = self.arrived.saturating_mul(MAX_EXPANSION).max(FREE_EXPANSION_BYTES);
        match self.length > allowed {
            true => Err(too_large(format!("must not expand more than {MAX_EXPANSION} times"))),
            false => Ok(Some(piece)),
        }
    }

    async fn decompress(&mut self) -> Result<Option<Bytes>, Problem> {
        if self.compressed.is_empty() {
            let Some(data) = self.arriving().await? else {
                let end = self.gunzip.take().map(Gunzip::finish).transpose();
                return Ok(end.map_err(|error| unreadable(&error))?.map(Bytes::from));
            };
            self.arrived += data.len();
            self.compressed = data;
        } else {
            // Much may come of few bytes: other tasks get their turn.
            tokio::task::yield_now().await;
        }
        let Some(gunzip) = &mut self.gunzip else {
            return Ok(Some(mem::take(&mut self.compressed)));
        };
        let mut rest = &self.compressed[..];
        let piece = gunzip.read(&mut rest).map_err(|error| unreadable(&error))?;
        self.compressed = self.compressed.slice_ref(rest);
        Ok(Some(piece.into()))
    }

    /// What arrives next and is not empty.
    async fn arriving(&mut self) -> Result<Option<Bytes>, Problem> {
        while let Some(frame) = self.body.frame().await {
            match frame.map_err(|error| unreadable(&error))?.into_data() {
                Ok(data) if !data.is_empty() => return Ok(Some(data)),
                Ok(_) | Err(_) => {}
            }
        }
        Ok(None)
    }
}

fn too_large(accepted: String) -> Problem {
    Problem::of_field(StatusCode::PAYLOAD_TOO_LARGE, "body", accepted)
}

pub(crate) async fn reserve(memory: &mut Reservation, bytes: usize) -> Result<(), Problem> {
    memory.grow_in_time(bytes).await.map_err(Problem::no_memory)
}

fn unreadable(error: &(dyn Error + 'static)) -> Problem {
    match find_timeout(error) {
        Some(timeout) => {
            Problem::of_field(StatusCode::REQUEST_TIMEOUT, "body", timeout.to_string())
        }
        None => Problem::invalid("body", "could not be read or decompressed"),
    }
}

/// The I/O error of kind `TimedOut` among an error and its sources: with one, the listener ends
/// a body that has stopped arriving.
pub fn find_timeout<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a io::Error> {
    iter::successors(Some(error), |&error| error.source())
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .find(|error| error.kind() == io::ErrorKind::TimedOut)
}

#[cfg(test)]
mod tests {
    use spiderq_core::MemoryBudget;

    use super::*;

    #[tokio::test]
    async fn a_body_takes_memory_for_its_bytes_and_values() {
        let budget = MemoryBudget::unlimited();
        let body = Body::from(r#"{"a":1,"b":2}"#);
        let read = read(body, ContentEncoding::Identity, 100, budget.account("a")).await;
        let (body, memory) = read.unwrap();
        assert_eq!(memory.bytes(), 3 * body.len() + 4 * VALUE_BYTES);
        drop(memory);
        assert_eq!(budget.used(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_waits_for_memory_that_others_hold() {
        let budget = MemoryBudget::new(200 << 10);
        let mut other = budget.account("a");
        other.grow(100 << 10).unwrap();
        let body = Body::from("x".repeat(20 << 10));
        let reading = read(body, ContentEncoding::Identity, 1 << 20, budget.account("a"));
        let free = async {
            tokio::task::yield_now().await;
            drop(other);
        };
        let (read, ()) = tokio::join!(reading, free);
        assert_eq!(read.unwrap().0.len(), 20 << 10);
    }

    #[test]
    fn only_paths_that_take_many_jobs_take_the_largest_body() {
        let max = 16 << 20;
        for (path, expected) in [
            ("/jobq/53/push", max),
            ("/jobq/53/update/", max),
            ("/api/run.json", max),
            ("/api/jobs/update.json", max),
            ("/jobq/53/startjob", MAX_METADATA_REQUEST_BYTES),
            ("/jobs/53/1/2", MAX_METADATA_REQUEST_BYTES),
            ("/jobq/53/heartbeat/1/2", MAX_SMALL_REQUEST_BYTES),
            ("/nothing/here", MAX_SMALL_REQUEST_BYTES),
        ] {
            assert_eq!(limit(path, max), expected, "{path}");
        }
        assert_eq!(limit("/jobq/53/push", 10), 10);
    }
}
