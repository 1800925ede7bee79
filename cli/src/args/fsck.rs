//! Flags of `spiderq fsck`.

use std::fmt;

use clap::Args;

/// Settings of `fsck`.
#[derive(Args, Clone)]
pub struct Fsck {
    /// The store, as for `serve`. A file must not be in use by a server; beside Redis servers may
    /// go on.
    #[arg(
        long,
        env = "SPIDERQ_STORE",
        default_value = "sqlite:spiderq.db",
        value_name = "URL",
        hide_env_values = true
    )]
    pub store: String,
    /// A project to check; repeatable. Default: all, and what belongs to none.
    #[arg(long = "project", value_name = "ID")]
    pub projects: Vec<i64>,
    /// Mend what is found.
    #[arg(long)]
    pub repair: bool,
}

// By hand: a URL may have a password.
impl fmt::Debug for Fsck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fsck")
            .field("projects", &self.projects)
            .field("repair", &self.repair)
            .finish_non_exhaustive()
    }
}
