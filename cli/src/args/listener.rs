//! Flags of every command that listens: URL, body size, connections, TLS, CORS and shutdown.

use std::{path::PathBuf, sync::LazyLock, time::Duration};

use clap::{Args, ValueEnum, builder::TypedValueParser as _};
use spiderq_core::{MemoryBudget, limits::DEFAULT_MAX_BODY_BYTES};
use spiderq_server::{BasePath, ClientAuth, Limits, Network, Page, TlsFiles, default_body_memory};

use super::{
    seconds,
    size::{self, size},
};

/// The server's own default, s.
static IDLE_S: LazyLock<String> =
    LazyLock::new(|| Limits::default().idle_timeout.as_secs().to_string());

/// The server's own default.
static MAX_BODY: LazyLock<String> = LazyLock::new(|| size::show(DEFAULT_MAX_BODY_BYTES as u64));

/// Less would refuse every list.
const MIN_MAX_MEMORY: u64 = 32 << 20;
/// The least of `--max-body`, bytes: less would refuse ordinary jobs.
const MIN_MAX_BODY: u64 = 1 << 10;

fn to_usize(bytes: u64) -> usize {
    bytes.try_into().unwrap_or(usize::MAX)
}

fn max_connections() -> u32 {
    Limits::default().max_connections.try_into().unwrap_or(u32::MAX)
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Listener {
    /// How clients reach this process, as in a job's `api_url`. Default: http://LISTEN, or
    /// https:// with TLS.
    #[arg(long, env = "SPIDERQ_PUBLIC_URL", value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// Largest request body over HTTP or message over gRPC after decompression: bytes, or a size as
    /// 64MiB; at least 1KiB.
    #[arg(long, env = "SPIDERQ_MAX_BODY", default_value = MAX_BODY.as_str(), value_name = "SIZE", value_parser = size(MIN_MAX_BODY).map(to_usize))]
    pub(crate) max_body: usize,
    /// Memory for the bodies of requests and responses under way: bytes, or a size as 192MiB; one
    /// owner of API keys may have half of it. Default: a quarter of the memory that the process may
    /// use, from 32MiB to 192MiB; 32MiB is also the least.
    #[arg(long, env = "SPIDERQ_MAX_MEMORY", value_name = "SIZE", value_parser = size(MIN_MAX_MEMORY).map(to_usize))]
    max_memory: Option<usize>,
    /// Certificate chain (PEM file). With it, HTTP and gRPC are served over TLS only. The TLS files
    /// are read again when they change, and on SIGHUP.
    #[arg(long, env = "SPIDERQ_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key of the certificate (PEM file).
    #[arg(long, env = "SPIDERQ_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Authorities (PEM file) of clients' certificates. With it, clients need one, besides their
    /// API keys.
    #[arg(long, env = "SPIDERQ_TLS_CLIENT_CA", value_name = "FILE", requires = "tls_cert")]
    tls_client_ca: Option<PathBuf>,
    /// Whether clients need a certificate, or may have one.
    #[arg(
        long,
        env = "SPIDERQ_TLS_CLIENT_AUTH",
        default_value = "required",
        value_name = "WHETHER",
        requires = "tls_client_ca"
    )]
    tls_client_auth: ClientAuthArg,
    /// A web origin whose pages may call over HTTP/JSON and gRPC-Web, or `*` for any; repeatable,
    /// or separated by commas. Default: none.
    #[arg(
        long = "cors-origin",
        env = "SPIDERQ_CORS_ORIGIN",
        value_name = "ORIGIN",
        value_delimiter = ','
    )]
    cors_origins: Vec<String>,
    /// Serve no web page, and take no sessions of browsers.
    #[arg(long, env = "SPIDERQ_NO_WEB")]
    no_web: bool,
    /// Serve the web page from this folder, whose files are read at each request: for its
    /// development. Default: the page in the program.
    #[arg(long, env = "SPIDERQ_WEB_DIR", value_name = "DIR", conflicts_with = "no_web")]
    pub(crate) web_dir: Option<PathBuf>,
    /// Path under which a proxy serves this process, such as /spiderq/. Requests are taken with it
    /// and without it.
    #[arg(long, env = "SPIDERQ_BASE_PATH", default_value_t, value_name = "PATH")]
    base_path: BasePath,
    /// Log each request: path without query, status, address, owner of the key, time and bytes.
    #[arg(long, env = "SPIDERQ_LOG_REQUESTS")]
    log_requests: bool,
    /// Most connections at a time. Where there are more, idle ones are closed to make room.
    #[arg(long, env = "SPIDERQ_MAX_CONNECTIONS", default_value_t = max_connections(), value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_connections: u32,
    /// Most connections at a time from one address (of IPv6: from one /64); more are closed at
    /// once. Behind a proxy all clients have its address: allow as many as it needs. Default: a
    /// tenth of --max-connections, at least 100.
    #[arg(long, env = "SPIDERQ_MAX_CONNECTIONS_PER_ADDRESS", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_connections_per_address: Option<u32>,
    /// Seconds without a request after which a connection is closed; 30 at most until valid
    /// credentials have come over it.
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

impl Listener {
    pub(crate) fn memory(&self) -> MemoryBudget {
        MemoryBudget::new(self.max_memory.unwrap_or_else(default_body_memory))
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ClientAuthArg {
    Required,
    Optional,
}

impl From<&Listener> for Network {
    fn from(flags: &Listener) -> Self {
        let per_address = flags.max_connections_per_address;
        let per_address = per_address.unwrap_or((flags.max_connections / 10).max(100));
        let files = flags.tls_cert.clone().zip(flags.tls_key.clone());
        let client_ca = flags.tls_client_ca.clone();
        let client_auth = match flags.tls_client_auth {
            ClientAuthArg::Required => ClientAuth::Required,
            ClientAuthArg::Optional => ClientAuth::Optional,
        };
        Self {
            limits: Limits {
                max_connections: flags.max_connections.try_into().unwrap_or(usize::MAX),
                max_connections_per_address: per_address.try_into().unwrap_or(usize::MAX),
                idle_timeout: flags.idle,
                ..Limits::default()
            },
            tls: files.map(|(cert, key)| TlsFiles { cert, key, client_ca, client_auth }),
            cors_origins: flags.cors_origins.clone(),
            log_requests: flags.log_requests,
            base_path: flags.base_path.clone(),
            trusted_user: None,
            page: (!flags.no_web).then(|| Page { folder: flags.web_dir.clone() }),
            lame_duck: flags.lame_duck,
            drain: flags.drain,
        }
    }
}
