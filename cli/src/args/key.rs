//! Flags of `spiderq key`.

use clap::{Args, Subcommand, ValueEnum};

use super::{Connection, KeyQuotas, Secret};

#[derive(Args, Clone, Debug)]
pub(crate) struct Key {
    #[command(flatten)]
    pub(crate) connection: Connection,
    /// An API key of role admin.
    #[arg(
        long,
        env = "SPIDERQ_ADMIN_KEY",
        value_name = "KEY",
        hide_env_values = true,
        global = true
    )]
    pub(crate) admin_key: Option<Secret>,
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
        #[command(flatten)]
        quotas: KeyQuotas,
    },
    /// List all keys by their ids, without the keys themselves
    List,
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
