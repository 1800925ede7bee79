//! How long each step of a connection may take, and how much memory it may use.

use std::time::Duration;

use hyper_util::{rt::TokioTimer, server::conn::auto::Builder};
use spiderq_core::limits::DEFAULT_HTTP_TIMEOUT;

use super::{authenticated::Authenticated, stall::StreamExecutor};
use crate::body_timeout::BodyTimeouts;

/// Largest request head, bytes: 1,000 job keys fit into its query. Also the buffer of an HTTP/1
/// connection in each direction.
const MAX_HEAD_BYTES: u32 = 64 << 10;
/// Header lines of an HTTP/1 request.
const MAX_HEADERS: usize = 100;
/// What an HTTP/2 stream may buffer before its client reads, bytes: small, so that a slow client
/// soon stops the reading of the store.
const MAX_SEND_BUFFER: usize = 64 << 10;
/// An HTTP/2 client that has sent nothing for so long gets a ping …
const PING_INTERVAL: Duration = Duration::from_secs(30);
/// … and has so long to answer it before the connection is closed.
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// Limits of connections. The defaults are meant for clients of the open internet.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Open at a time. Where there are more, idle ones are closed to make room; if all have
    /// requests, further clients wait in the backlog of the system.
    pub max_connections: usize,
    /// Open at a time from one address (of IPv6: from one network of 64 bits); more are closed at
    /// once. Clients behind one proxy or NAT are one address.
    pub max_connections_per_address: usize,
    /// For the TLS handshake, and once more for the first byte of HTTP/1 or the whole preface of
    /// HTTP/2.
    pub handshake_timeout: Duration,
    /// For the head of an HTTP/1 request, from its first byte.
    pub head_timeout: Duration,
    /// For each KiB of a request's body to arrive.
    pub body_timeout: Duration,
    /// For the whole body of a request.
    pub whole_body_timeout: Duration,
    /// For an HTTP/JSON response to begin, once the whole request is there.
    pub response_timeout: Duration,
    /// For the client to read more of a response: then its connection is closed, or of HTTP/2
    /// the stream is reset whose window it keeps shut.
    pub write_timeout: Duration,
    /// How long a connection without a request is kept.
    pub idle_timeout: Duration,
    /// The same, as long as no valid credentials have come over it, if this is less.
    pub unauthenticated_idle_timeout: Duration,
    /// How long a gRPC stream may last that needs no credentials: Watch of health, reflection.
    pub public_stream_timeout: Duration,
    /// Requests at a time on one HTTP/2 connection; more are refused with REFUSED_STREAM.
    pub max_streams: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            max_connections_per_address: 1_000,
            handshake_timeout: Duration::from_secs(5),
            head_timeout: Duration::from_secs(5),
            body_timeout: Duration::from_secs(10),
            whole_body_timeout: Duration::from_secs(120),
            response_timeout: DEFAULT_HTTP_TIMEOUT,
            write_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(300),
            unauthenticated_idle_timeout: Duration::from_secs(30),
            public_stream_timeout: Duration::from_secs(300),
            max_streams: 256,
        }
    }
}

impl Limits {
    pub(crate) const fn body_timeouts(&self) -> BodyTimeouts {
        BodyTimeouts { progress: self.body_timeout, whole: self.whole_body_timeout }
    }

    /// How long a connection without a request is kept.
    pub(super) fn idle_timeout_of(&self, authenticated: &Authenticated) -> Duration {
        match authenticated.is_marked() {
            true => self.idle_timeout,
            false => self.idle_timeout.min(self.unauthenticated_idle_timeout),
        }
    }

    /// hyper's part of the limits. Its own timeout of request heads is off: it would count idle
    /// time as well. HTTP/1.1 responses name headers in Title-Case, as some clients match them
    /// exactly.
    pub(super) fn builder(&self) -> Builder<StreamExecutor> {
        let mut builder = Builder::new(StreamExecutor::new(self.write_timeout));
        builder
            .http1()
            .header_read_timeout(None)
            .title_case_headers(true)
            .max_headers(MAX_HEADERS)
            .max_buf_size(MAX_HEAD_BYTES as usize);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(self.max_streams)
            .max_header_list_size(MAX_HEAD_BYTES)
            .max_send_buf_size(MAX_SEND_BUFFER)
            .keep_alive_interval(Some(PING_INTERVAL))
            .keep_alive_timeout(PING_TIMEOUT);
        builder
    }
}
