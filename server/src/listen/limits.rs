//! How long each step of a connection may take, and how much it may hold.

use std::time::Duration;

use hyper_util::{
    rt::{TokioExecutor, TokioTimer},
    server::conn::auto::Builder,
};

/// Largest head of a request, bytes: 1,000 job keys fit into its query. Also what an HTTP/1
/// connection buffers each way.
const HEAD_BYTES: u32 = 64 << 10;
/// Most header lines of an HTTP/1 request.
const HEADERS: usize = 100;
/// Most that an HTTP/2 stream buffers on its way out, bytes: a reader that is slow holds up
/// the reading of the store soon.
const SEND_BUFFER: usize = 64 << 10;
/// An HTTP/2 client that sent nothing for so long is asked whether it is still there …
const PING_AFTER: Duration = Duration::from_secs(30);
/// … and has so long to answer.
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// Limits of connections. The defaults are for the open internet.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at a time.
    pub max_connections: usize,
    /// For the TLS handshake, and again for the first bytes: for HTTP/2, its whole preface
    /// with the first SETTINGS.
    pub handshake_timeout: Duration,
    /// For the rest of an HTTP/1 request's head, from its first byte.
    pub head_timeout: Duration,
    /// For each KiB of a request's body.
    pub body_timeout: Duration,
    /// For an answer over HTTP/JSON to begin, once the request is there.
    pub response_timeout: Duration,
    /// For the client to take more of what is sent.
    pub write_timeout: Duration,
    /// Without a request; then the connection is closed.
    pub idle_timeout: Duration,
    /// Requests at a time on one HTTP/2 connection.
    pub max_streams: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            handshake_timeout: Duration::from_secs(5),
            head_timeout: Duration::from_secs(5),
            body_timeout: Duration::from_secs(10),
            response_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(300),
            max_streams: 256,
        }
    }
}

impl Limits {
    /// hyper's part of it. Its own time-out for heads would count idle time as well.
    pub(super) fn builder(&self) -> Builder<TokioExecutor> {
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http1()
            .header_read_timeout(None)
            .max_headers(HEADERS)
            .max_buf_size(HEAD_BYTES as usize);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(self.max_streams)
            .max_header_list_size(HEAD_BYTES)
            .max_send_buf_size(SEND_BUFFER)
            .keep_alive_interval(Some(PING_AFTER))
            .keep_alive_timeout(PING_TIMEOUT);
        builder
    }
}
