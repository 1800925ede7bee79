//! The command line: every flag, its environment variable and its default. Doc comments here
//! are what `--help` prints.

mod admin_key;
mod audit;
mod connection;
mod expiry;
mod fsck;
mod key;
mod listener;
mod quotas;
mod runner;
mod secret;
mod serve;
mod size;
#[cfg(test)]
mod tests;

use std::{ops::RangeBounds, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum, builder::TypedValueParser};

pub(crate) use self::{
    admin_key::AdminKey,
    audit::{Audit, Output},
    connection::{Authorities, Connection},
    expiry::Expiry,
    fsck::Fsck,
    key::{Key, KeyAction, RoleArg},
    listener::Listener,
    quotas::{KeyQuotas, ServerQuotas},
    runner::{JobLimits, JobSettings, OnDrainArg, Runner, Supervise},
    secret::Secret,
    serve::{Gateway, OutputFlag, Serve, StoreFlag},
};

/// A self-hosted job service for Scrapy, wire-compatible with the Jobs, JobQ and Job
/// metadata APIs of Scrapy Cloud.
///
/// Without a command it does `spiderq serve`: everything on one port, jobs kept in the
/// file spiderq.db. The first start prints an API key and a curl line to try.
#[derive(Debug, Parser)]
#[command(name = "spiderq", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// For `serve`, where no command is given.
    #[command(flatten)]
    pub(crate) serve: Serve,
    #[command(flatten)]
    pub(crate) log: Log,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve gRPC, gRPC-Web and HTTP/JSON on one port; this is the default
    Serve(Serve),
    /// Serve gRPC and gRPC-Web only
    Service(Serve),
    /// Serve HTTP/JSON only, in front of a `spiderq service` elsewhere
    Gateway(Gateway),
    /// Run jobs: Scrapy spiders and scripts, or any program
    Runner(Box<Runner>),
    /// Create, list, rotate and revoke API keys of a running server
    Key(Key),
    /// List who did what: acts that a running server kept, the latest first
    Audit(Audit),
    /// Check whether the records of a store agree, and repair them if asked to
    ///
    /// An SQLite file must not be in use by a server. The servers of a Redis store may go on
    /// running.
    Fsck(Fsck),
    /// Run the program of one job; the runner calls this
    #[command(hide = true)]
    Supervise(Supervise),
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Log {
    /// What to log: error, warn, info, debug or trace, or `target=level` pairs separated by
    /// commas.
    #[arg(long, env = "SPIDERQ_LOG", default_value = "info", value_name = "FILTER", global = true)]
    pub(crate) log: String,
    /// Format of the log, which goes to standard error.
    #[arg(long, env = "SPIDERQ_LOG_FORMAT", default_value = "text", global = true)]
    pub(crate) log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people, in colour on a terminal
    Text,
    /// A JSON object per line
    Json,
}

/// Whole seconds within `range`.
fn seconds(range: impl RangeBounds<u64>) -> impl TypedValueParser<Value = Duration> {
    clap::value_parser!(u64).range(range).map(Duration::from_secs)
}
