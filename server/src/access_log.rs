//! The access log: one line for each request, once its response is sent or given up. Of the address
//! it has the path alone, as a query may hold an API key, and of headers the request id alone.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    http::{HeaderMap, Method, Request, Response},
};
use http_body::{Frame, SizeHint};
use spiderq_core::{Origin, limits::MAX_LOG_REQUEST_ID_BYTES};
use tokio::time::Instant;

/// Bytes of a path that are logged.
const MAX_PATH_BYTES: usize = 512;
const REQUEST_ID: &str = "x-request-id";
const GRPC_STATUS: &str = "grpc-status";

/// What is known of one request. Logged when it is dropped, so that a request whose client went
/// away has its line too.
#[derive(Debug)]
pub(crate) struct Entry {
    origin: Origin,
    method: Method,
    path: String,
    request_id: Option<String>,
    begun: Instant,
    received: Arc<AtomicU64>,
    sent: u64,
    /// `None` until a response has begun.
    status: Option<u16>,
    grpc_status: Option<u16>,
}

impl Entry {
    pub(crate) fn begin<B>(request: &Request<B>, origin: Origin) -> Self {
        let path = request.uri().path();
        let path = &path[..path.floor_char_boundary(MAX_PATH_BYTES)];
        Self {
            origin,
            method: request.method().clone(),
            path: path.to_owned(),
            request_id: request_id(request.headers()),
            begun: Instant::now(),
            received: Arc::default(),
            sent: 0,
            status: None,
            grpc_status: None,
        }
    }

    /// The same body, whose bytes are counted as they come, compressed where they are.
    pub(crate) fn count_received(&self, body: Body) -> Body {
        Body::new(Received { body, bytes: Arc::clone(&self.received) })
    }

    /// The same response, whose end is that of the request.
    pub(crate) fn attach_to(mut self, response: Response<Body>) -> Response<Body> {
        self.status = Some(response.status().as_u16());
        self.grpc_status = number(response.headers());
        // The gateway makes an id for a request that has none.
        self.request_id = request_id(response.headers()).or(self.request_id.take());
        response.map(|body| Body::new(Sent { body, entry: self }))
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let took = self.begun.elapsed();
        tracing::info!(
            target: "access",
            peer = %self.origin.peer(),
            owner = self.origin.owner(),
            method = %self.method,
            path = self.path,
            status = self.status,
            grpc_status = self.grpc_status,
            took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            received = self.received.load(Ordering::Relaxed),
            sent = self.sent,
            request_id = self.request_id,
            "request"
        );
    }
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    (id.len() <= MAX_LOG_REQUEST_ID_BYTES).then(|| id.to_owned())
}

fn number(headers: &HeaderMap) -> Option<u16> {
    headers.get(GRPC_STATUS)?.to_str().ok()?.parse().ok()
}

struct Received {
    body: Body,
    bytes: Arc<AtomicU64>,
}

impl HttpBody for Received {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(Ok(frame)) = &polled {
            self.bytes.fetch_add(bytes_of(frame), Ordering::Relaxed);
        }
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

struct Sent {
    body: Body,
    entry: Entry,
}

impl HttpBody for Sent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(Ok(frame)) = &polled {
            self.entry.sent += bytes_of(frame);
            if let Some(trailers) = frame.trailers_ref() {
                self.entry.grpc_status = number(trailers).or(self.entry.grpc_status);
            }
        }
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn bytes_of(frame: &Frame<Bytes>) -> u64 {
    frame.data_ref().map_or(0, |data| data.len() as u64)
}
