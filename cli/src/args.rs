//! Every flag, its env twin and its default, in one place.

mod fsck;
mod network;
mod runner;

use std::{fmt, net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use self::{
    fsck::Fsck,
    network::Network,
    runner::{JobSettings, Runner, Supervise},
};

/// A self-hosted job service for Scrapy, wire-compatible with the Jobs, JobQ and Job
/// metadata APIs of Scrapy Cloud.
///
/// Without a command it does `spiderq serve`: everything on one port, jobs kept in the
/// file spiderq.db. The first start prints an API key and a curl line to try.
#[derive(Debug, Parser)]
#[command(name = "spiderq", version, max_term_width = 100)]
pub struct Cli {
    /// What to do; default: serve.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Settings of `serve`, when no command is given.
    #[command(flatten)]
    pub serve: Serve,
    /// How to log.
    #[command(flatten)]
    pub log: Log,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve gRPC, gRPC-Web and HTTP/JSON on one port; this is the default
    Serve(Serve),
    /// Serve gRPC and gRPC-Web only
    Service(Serve),
    /// Serve HTTP/JSON only, before a `spiderq service` elsewhere
    Gateway(Gateway),
    /// Run jobs: Scrapy spiders and scripts, or any program
    Runner(Box<Runner>),
    /// Create, list and revoke API keys of a running server
    Key(Key),
    /// Check a store: whether all its records agree; and mend it
    Fsck(Fsck),
    /// Between a runner and its job; the runner calls it
    #[command(hide = true)]
    Supervise(Supervise),
}

/// Settings of `serve` and `service`.
#[derive(Args, Clone)]
pub struct Serve {
    /// Address to listen on; port 0 takes a free one.
    #[arg(
        long,
        env = "SPIDERQ_LISTEN",
        default_value = "127.0.0.1:6900",
        value_name = "ADDR:PORT"
    )]
    pub listen: SocketAddr,
    /// Where jobs are kept: `sqlite:FILE`, `redis://[USER:PASSWORD@]HOST[:PORT][/DB]`,
    /// `redis+unix:///SOCKET`, `redis+cluster://HOST:PORT,…` or
    /// `redis+sentinel://HOST:PORT,…/MASTER`; with TLS `rediss://` and so on (docs/redis.md).
    #[arg(
        long,
        env = "SPIDERQ_STORE",
        default_value = "sqlite:spiderq.db",
        value_name = "URL",
        hide_env_values = true
    )]
    pub store: String,
    /// Start only if an acknowledged write survives a crash of the store and a loss of power.
    #[arg(long, env = "SPIDERQ_REQUIRE_DURABLE")]
    pub require_durable: bool,
    /// An admin key (32 hexadecimal characters) that is good while the server runs; it is not stored.
    /// Without it, the first start on an empty store makes one and prints it.
    #[arg(long, env = "SPIDERQ_ADMIN_KEY", value_name = "KEY", hide_env_values = true)]
    pub admin_key: Option<String>,
    /// Secret that signs job tokens; give all processes on one store the same. Default: a random one kept in the store.
    #[arg(long, env = "SPIDERQ_TOKEN_SECRET", value_name = "TEXT", hide_env_values = true)]
    pub token_secret: Option<String>,
    /// How clients reach this server, as in a job's `api_url`. Default: http://LISTEN, or
    /// https:// with TLS.
    #[arg(long, env = "SPIDERQ_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// Largest request body over HTTP, bytes, after decompression.
    #[arg(long, env = "SPIDERQ_MAX_BODY", default_value_t = 16 << 20, value_name = "BYTES")]
    pub max_body: usize,
    /// Threads that serve requests. One is the fastest per core; for more cores rather run more
    /// processes on one Redis.
    #[arg(long, env = "SPIDERQ_THREADS", default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: u16,
    /// Connections, TLS, browsers, the end.
    #[command(flatten)]
    pub network: Network,
}

// By hand: keys, secrets and passwords must not show.
impl fmt::Debug for Serve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve").field("listen", &self.listen).finish_non_exhaustive()
    }
}

/// Settings of `gateway`.
#[derive(Args, Clone, Debug)]
pub struct Gateway {
    /// The gRPC side: the address of a `spiderq service` or `spiderq serve`.
    #[arg(
        long,
        env = "SPIDERQ_UPSTREAM",
        default_value = "http://127.0.0.1:6900",
        value_name = "URL"
    )]
    pub upstream: String,
    /// Authorities that sign the certificate of an https:// upstream (PEM file). Default: the
    /// public ones.
    #[arg(long, env = "SPIDERQ_TLS_CA", value_name = "FILE")]
    pub tls_ca: Option<PathBuf>,
    /// Address to listen on; port 0 takes a free one.
    #[arg(
        long,
        env = "SPIDERQ_LISTEN",
        default_value = "127.0.0.1:6901",
        value_name = "ADDR:PORT"
    )]
    pub listen: SocketAddr,
    /// How clients reach this gateway, as in a job's `api_url`. Default: http://LISTEN, or
    /// https:// with TLS.
    #[arg(long, env = "SPIDERQ_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// Largest request body, bytes, after decompression.
    #[arg(long, env = "SPIDERQ_MAX_BODY", default_value_t = 16 << 20, value_name = "BYTES")]
    pub max_body: usize,
    /// Connections, TLS, browsers, the end.
    #[command(flatten)]
    pub network: Network,
}

/// Settings of `key`.
#[derive(Args, Clone)]
pub struct Key {
    /// The running server.
    #[arg(
        long,
        env = "SPIDERQ_SERVER",
        default_value = "http://127.0.0.1:6900",
        value_name = "URL",
        global = true
    )]
    pub server: String,
    /// Authorities that sign the certificate of an https:// server (PEM file). Default: the
    /// public ones.
    #[arg(long, env = "SPIDERQ_TLS_CA", value_name = "FILE", global = true)]
    pub tls_ca: Option<PathBuf>,
    /// A key of role admin.
    #[arg(
        long,
        env = "SPIDERQ_ADMIN_KEY",
        default_value = "",
        value_name = "KEY",
        hide_env_values = true,
        hide_default_value = true,
        global = true
    )]
    pub admin_key: String,
    /// What to do.
    #[command(subcommand)]
    pub action: KeyAction,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("server", &self.server).finish_non_exhaustive()
    }
}

/// What to do with keys.
#[derive(Clone, Debug, Subcommand)]
pub enum KeyAction {
    /// Make a key and print it, once
    Create {
        /// Its owner; appears in `scheduled_by` and the like.
        name: String,
        /// What it may do.
        #[arg(long, default_value = "user")]
        role: RoleArg,
        /// A project that it reaches; repeatable. Default: all.
        #[arg(long = "project", value_name = "ID")]
        projects: Vec<i64>,
    },
    /// List all keys, without their text
    List,
    /// Revoke a key
    Revoke {
        /// Its id, from `spiderq key list`.
        id: String,
    },
}

/// Roles of keys.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RoleArg {
    /// Sees jobs
    Read,
    /// Also starts jobs, and updates those that it runs
    Worker,
    /// Does everything with its projects' jobs
    User,
    /// Also manages keys and cancels in bulk
    Admin,
}

/// How to log.
#[derive(Args, Clone, Debug)]
pub struct Log {
    /// What to log: error, warn, info, debug, trace, or `target=level` pairs.
    #[arg(long, env = "SPIDERQ_LOG", default_value = "info", value_name = "FILTER", global = true)]
    pub log: String,
    /// How to write it, to standard error.
    #[arg(long, env = "SPIDERQ_LOG_FORMAT", default_value = "text", global = true)]
    pub log_format: LogFormat,
}

/// Forms of log lines.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// An object a line
    Json,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_commands_are_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn debug_shows_no_secret() {
        let secret = "0123456789abcdef0123456789abcdef";
        let cli = Cli::parse_from([
            "spiderq",
            "serve",
            "--admin-key",
            secret,
            "--token-secret",
            secret,
            "--store",
            &format!("redis://u:{secret}@localhost"),
        ]);
        assert!(!format!("{cli:?}").contains(secret));
        let cli = Cli::parse_from(["spiderq", "key", "--admin-key", secret, "list"]);
        assert!(!format!("{cli:?}").contains(secret));
    }
}
