//! Flags of everything that listens: connections, TLS, browsers, and the end.

use std::path::PathBuf;

use clap::Args;

/// How a listener treats its connections.
#[derive(Args, Clone, Debug)]
pub struct Network {
    /// Certificate chain (PEM file): serve HTTPS, and gRPC over TLS, on the same port.
    #[arg(long, env = "SPIDERQ_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Its private key (PEM file).
    #[arg(long, env = "SPIDERQ_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// A web origin whose pages may call over HTTP/JSON and gRPC-Web, or `*`; repeatable (in
    /// the variable: separated by commas). Default: none.
    #[arg(
        long = "cors-origin",
        env = "SPIDERQ_CORS_ORIGIN",
        value_name = "ORIGIN",
        value_delimiter = ','
    )]
    pub cors_origins: Vec<String>,
    /// Most connections at a time; more wait.
    #[arg(long, env = "SPIDERQ_MAX_CONNECTIONS", default_value_t = 10_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_connections: u32,
    /// A connection without a request is closed after so long, seconds.
    #[arg(long, env = "SPIDERQ_IDLE", default_value_t = 300, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub idle: u64,
    /// How long a stop goes on taking calls while health and readiness say no already, so
    /// that load balancers turn away, seconds.
    #[arg(long, env = "SPIDERQ_LAME_DUCK", default_value_t = 0, value_name = "SECONDS")]
    pub lame_duck: u64,
    /// How long a stop then waits for requests under way, seconds.
    #[arg(long, env = "SPIDERQ_DRAIN", default_value_t = 10, value_name = "SECONDS")]
    pub drain: u64,
}
