//! Flags of `spiderq key`.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::{AdminKey, Connection, Expiry, KeyQuotas, expiry};

#[derive(Args, Clone, Debug)]
pub(crate) struct Key {
    #[command(flatten)]
    pub(crate) connection: Connection,
    #[command(flatten)]
    pub(crate) admin_key: AdminKey,
    #[command(subcommand)]
    pub(crate) action: KeyAction,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum KeyAction {
    /// Create a key and print it; it can't be shown again
    Create {
        /// The person or team that owns the key; appears in `scheduled_by` and similar fields.
        name: String,
        /// What the key may do.
        #[arg(long, default_value = "user")]
        role: RoleArg,
        /// A project that the key reaches; repeatable. An admin key reaches all.
        #[arg(long = "project", value_name = "ID")]
        projects: Vec<i64>,
        /// The key reaches all projects, those to come too.
        #[arg(long, conflicts_with = "projects")]
        all_projects: bool,
        /// When the key expires: after a span (30d, 12h, 90m) or at the beginning of a day in UTC
        /// (2030-01-31). Default: never.
        #[arg(long, value_name = "WHEN", value_parser = expiry::parse)]
        expires: Option<Expiry>,
        #[command(flatten)]
        quotas: KeyQuotas,
    },
    /// List all keys by their ids, without the keys themselves
    List,
    /// Make a key in place of another one and print it; the other one expires soon
    ///
    /// The new key has the same owner, role and projects, and is good for as long as the other one
    /// was made to be.
    Rotate {
        /// The other key's id, as `spiderq key list` prints it.
        id: String,
        /// How long the other key is good from now on: a span (90m, 1h, 7d), up to 30d; 0s: no longer.
        #[arg(long, default_value = "1h", value_name = "SPAN", value_parser = expiry::keep)]
        keep: Duration,
    },
    /// Revoke a key, at once
    Revoke {
        /// The key's id, as `spiderq key list` prints it.
        id: String,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum RoleArg {
    /// May see jobs
    Read,
    /// May also start jobs, and update those that it runs
    Worker,
    /// May do everything with the jobs of its projects
    User,
    /// May also manage keys and cancel the oldest jobs, in all projects
    Admin,
}
