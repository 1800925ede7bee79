//! Flags of `spiderq fsck`.

use clap::Args;

use super::{OutputFlag, StoreFlag};

#[derive(Args, Clone, Debug)]
pub(crate) struct Fsck {
    #[command(flatten)]
    pub(crate) store: StoreFlag,
    #[command(flatten)]
    pub(crate) output: OutputFlag,
    /// A project to check; repeatable. Default: all projects, and what belongs to none.
    #[arg(long = "project", value_name = "ID")]
    pub(crate) projects: Vec<i64>,
    /// Repair what is found.
    #[arg(long)]
    pub(crate) repair: bool,
}
