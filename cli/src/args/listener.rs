//! Flags of every command that listens: URL, body size, connections, TLS, CORS and shutdown.

use std::{path::PathBuf, sync::LazyLock, time::Duration};

use clap::Args;
use spiderq_core::limits::DEFAULT_MAX_BODY_BYTES;
use spiderq_server::{Limits, Network, TlsFiles};

use super::seconds;

/// The server's own default, s.
static IDLE_S: LazyLock<String> =
    LazyLock::new(|| Limits::default().idle_timeout.as_secs().to_string());

fn max_connections() -> u32 {
    Limits::default().max_connections.try_into().unwrap_or(u32::MAX)
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Listener {
    /// How clients reach this process, as in a job's `api_url`. Default: http://LISTEN, or
    /// https:// with TLS.
    #[arg(long, env = "SPIDERQ_PUBLIC_URL", value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// Largest request body over HTTP, in bytes after decompression.
    #[arg(long, env = "SPIDERQ_MAX_BODY", default_value_t = DEFAULT_MAX_BODY_BYTES, value_name = "BYTES")]
    pub(crate) max_body: usize,
    /// Certificate chain (PEM file). With it, HTTP and gRPC are served over TLS only.
    #[arg(long, env = "SPIDERQ_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key of the certificate (PEM file).
    #[arg(long, env = "SPIDERQ_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// A web origin whose pages may call over HTTP/JSON and gRPC-Web, or `*` for any; repeatable,
    /// or separated by commas. Default: none.
    #[arg(
        long = "cors-origin",
        env = "SPIDERQ_CORS_ORIGIN",
        value_name = "ORIGIN",
        value_delimiter = ','
    )]
    cors_origins: Vec<String>,
    /// Log each request: path without query, status, address, owner of the key, time and bytes.
    #[arg(long, env = "SPIDERQ_LOG_REQUESTS")]
    log_requests: bool,
    /// Most connections at a time; further ones wait until others are closed.
    #[arg(long, env = "SPIDERQ_MAX_CONNECTIONS", default_value_t = max_connections(), value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_connections: u32,
    /// Seconds without a request after which a connection is closed.
    #[arg(long, env = "SPIDERQ_IDLE", default_value = IDLE_S.as_str(), value_name = "SECONDS", value_parser = seconds(1..))]
    idle: Duration,
    /// Seconds that a shutdown goes on taking calls while health and readiness already say no, so
    /// that load balancers send new calls elsewhere.
    #[arg(long, env = "SPIDERQ_LAME_DUCK", default_value = "0", value_name = "SECONDS", value_parser = seconds(..))]
    lame_duck: Duration,
    /// Seconds that a shutdown then waits for the requests under way.
    #[arg(long, env = "SPIDERQ_DRAIN", default_value = "10", value_name = "SECONDS", value_parser = seconds(..))]
    drain: Duration,
}

impl From<&Listener> for Network {
    fn from(flags: &Listener) -> Self {
        let files = flags.tls_cert.clone().zip(flags.tls_key.clone());
        Self {
            limits: Limits {
                max_connections: flags.max_connections.try_into().unwrap_or(usize::MAX),
                idle_timeout: flags.idle,
                ..Limits::default()
            },
            tls: files.map(|(cert, key)| TlsFiles { cert, key }),
            cors_origins: flags.cors_origins.clone(),
            log_requests: flags.log_requests,
            lame_duck: flags.lame_duck,
            drain: flags.drain,
        }
    }
}
