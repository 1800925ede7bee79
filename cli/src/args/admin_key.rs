//! Flags of what an admin does on a running server.

use std::path::PathBuf;

use clap::Args;

use super::Secret;

#[derive(Args, Clone, Debug)]
pub(crate) struct AdminKey {
    /// An API key of role admin.
    #[arg(
        long,
        env = "SPIDERQ_ADMIN_KEY",
        value_name = "KEY",
        hide_env_values = true,
        global = true
    )]
    pub(crate) admin_key: Option<Secret>,
    /// A file that holds that key, so that neither the command line nor the environment shows it;
    /// `-`: standard input.
    #[arg(
        long,
        env = "SPIDERQ_ADMIN_KEY_FILE",
        value_name = "FILE",
        conflicts_with = "admin_key",
        global = true
    )]
    pub(crate) admin_key_file: Option<PathBuf>,
}
