//! Flags of `spiderq serve`, `service` and `gateway`.

use std::{net::SocketAddr, path::PathBuf, sync::LazyLock, time::Duration};

use clap::{Args, ValueEnum};
use spiderq_core::limits::{
    DEFAULT_AUDIT_KEEP_DAYS, DEFAULT_SESSION_LIFETIME_MS, MAX_AUDIT_KEEP_DAYS,
    MAX_SESSION_LIFETIME_MS,
};
use spiderq_core::model::Role;
use spiderq_server::{Addresses, TrustedUser};

use super::{Authorities, Listener, Secret, ServerQuotas, seconds};

/// The service's own default, s.
static SESSION_S: LazyLock<String> =
    LazyLock::new(|| (DEFAULT_SESSION_LIFETIME_MS / 1_000).to_string());

#[derive(Args, Clone, Debug)]
pub(crate) struct Serve {
    /// Address to listen on; port 0 takes a free one.
    #[arg(
        long,
        env = "SPIDERQ_LISTEN",
        default_value = "127.0.0.1:6900",
        value_name = "ADDR:PORT"
    )]
    pub(crate) listen: SocketAddr,
    #[command(flatten)]
    pub(crate) store: StoreFlag,
    #[command(flatten)]
    pub(crate) output: OutputFlag,
    /// Start only if an acknowledged write survives a crash of the store and a loss of power.
    #[arg(long, env = "SPIDERQ_REQUIRE_DURABLE")]
    pub(crate) require_durable: bool,
    /// An admin key (32 hexadecimal characters) that is valid while the server runs and is not
    /// stored. Without it, the first start on an empty store makes one and prints it.
    #[arg(long, env = "SPIDERQ_ADMIN_KEY", value_name = "KEY", hide_env_values = true)]
    pub(crate) admin_key: Option<Secret>,
    /// A file that holds that key, so that neither the command line nor the environment shows it;
    /// `-`: standard input.
    #[arg(long, env = "SPIDERQ_ADMIN_KEY_FILE", value_name = "FILE", conflicts_with = "admin_key")]
    pub(crate) admin_key_file: Option<PathBuf>,
    /// Secret that signs job tokens, at least 16 bytes; give all processes on one store the same. A
    /// second line may hold the one before it: its tokens are still taken. Default: a random one
    /// that the store keeps.
    #[arg(long, env = "SPIDERQ_TOKEN_SECRET", value_name = "TEXT", hide_env_values = true)]
    pub(crate) token_secret: Option<Secret>,
    /// A file that holds that secret; for two, a line each, the new one first; `-`: standard input.
    #[arg(
        long,
        env = "SPIDERQ_TOKEN_SECRET_FILE",
        value_name = "FILE",
        conflicts_with = "token_secret"
    )]
    pub(crate) token_secret_file: Option<PathBuf>,
    /// A header in which a trusted proxy names the user whose browser it is, such as
    /// X-Forwarded-User: single sign-on. The user may do what a key of theirs may. The proxy must
    /// take this header off what browsers send, and nobody else may reach this server from its
    /// addresses.
    #[arg(
        long,
        env = "SPIDERQ_TRUSTED_USER_HEADER",
        value_name = "NAME",
        requires = "trusted_proxies",
        conflicts_with = "no_web"
    )]
    trusted_user_header: Option<String>,
    /// Address or network of proxies whose header is believed, such as 10.0.0.7 or 10.1.0.0/16;
    /// repeatable, or separated by commas.
    #[arg(
        long = "trusted-proxy",
        env = "SPIDERQ_TRUSTED_PROXY",
        value_name = "CIDR",
        value_delimiter = ',',
        requires = "trusted_user_header"
    )]
    trusted_proxies: Vec<Addresses>,
    /// Role, in all projects, of users whom a trusted proxy names and who own no key. Default: they
    /// are refused.
    #[arg(
        long,
        env = "SPIDERQ_TRUSTED_USER_ROLE",
        value_name = "ROLE",
        requires = "trusted_user_header"
    )]
    trusted_user_role: Option<UserRole>,
    /// Seconds for which a browser that signed in with a key may go on without it, from a minute to
    /// 30 days. It may no longer as soon as the key is revoked or has expired.
    #[arg(long, env = "SPIDERQ_SESSION_LIFETIME", default_value = SESSION_S.as_str(), value_name = "SECONDS", value_parser = seconds(60..=MAX_SESSION_LIFETIME_MS / 1_000))]
    pub(crate) session_lifetime: Duration,
    /// Days that the store keeps audit events, up to 3650; 0: only the log has them.
    #[arg(long, env = "SPIDERQ_AUDIT_KEEP", default_value_t = DEFAULT_AUDIT_KEEP_DAYS, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(..=i64::from(MAX_AUDIT_KEEP_DAYS)))]
    pub(crate) audit_keep: u32,
    /// Threads that serve requests. One has the highest throughput per core; to use more cores,
    /// rather run more processes on one Redis.
    #[arg(long, env = "SPIDERQ_THREADS", default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) threads: u16,
    #[command(flatten)]
    pub(crate) quotas: ServerQuotas,
    #[command(flatten)]
    pub(crate) listener: Listener,
}

impl Serve {
    /// Whom proxies name as users.
    pub(crate) fn trusted_user(&self) -> Option<TrustedUser> {
        let header = self.trusted_user_header.clone()?;
        Some(TrustedUser { header, proxies: self.trusted_proxies.clone() })
    }

    pub(crate) fn user_role(&self) -> Option<Role> {
        self.trusted_user_role.map(|role| match role {
            UserRole::Read => Role::Read,
            UserRole::Worker => Role::Worker,
            UserRole::User => Role::User,
        })
    }
}

/// Not admin: whoever the proxy lets in would be one.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum UserRole {
    Read,
    Worker,
    User,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct StoreFlag {
    /// Where jobs are kept: `sqlite:FILE`, `redis://[USER:PASSWORD@]HOST[:PORT][/DB]`,
    /// `redis+unix:///SOCKET`, `redis+cluster://HOST:PORT,…` or
    /// `redis+sentinel://HOST:PORT,…/MASTER`; for TLS write `rediss` instead of `redis`
    /// (docs/redis.md). [default: sqlite:spiderq.db]
    #[arg(long = "store", env = "SPIDERQ_STORE", value_name = "URL", hide_env_values = true)]
    pub(crate) store: Option<Secret>,
    /// A file that holds that URL, which may have a password in it; `-`: standard input.
    #[arg(long, env = "SPIDERQ_STORE_FILE", value_name = "FILE", conflicts_with = "store")]
    pub(crate) store_file: Option<PathBuf>,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct OutputFlag {
    /// Where logs, items, requests and samples of jobs are kept: `file:DIR`,
    /// `s3://BUCKET/PREFIX` (with the environment variables of AWS, as AWS_REGION and
    /// AWS_ENDPOINT_URL) or `none`. Each store needs a place of its own. [default: with SQLite a
    /// folder beside the file and named like it, spiderq-output; with Redis none]
    #[arg(long = "output", env = "SPIDERQ_OUTPUT", value_name = "PLACE")]
    pub(crate) output: Option<String>,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Gateway {
    /// The gRPC server to call: a `spiderq service` or `spiderq serve`.
    #[arg(
        long,
        env = "SPIDERQ_UPSTREAM",
        default_value = "http://127.0.0.1:6900",
        value_name = "URL"
    )]
    pub(crate) upstream: String,
    #[command(flatten)]
    pub(crate) authorities: Authorities,
    /// Address to listen on; port 0 takes a free one.
    #[arg(
        long,
        env = "SPIDERQ_LISTEN",
        default_value = "127.0.0.1:6901",
        value_name = "ADDR:PORT"
    )]
    pub(crate) listen: SocketAddr,
    #[command(flatten)]
    pub(crate) listener: Listener,
}
