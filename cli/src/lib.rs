//! The spiderq program: settings, listeners, and the commands that put service and gateway
//! together. No rules of jobs belong here.

mod app;
mod args;
mod arriving;
mod command;
mod cors;
mod failure;
#[cfg(test)]
mod fake;
mod fsck;
mod grpc;
mod key;
mod listen;
mod logs;
mod network;
mod open_files;
mod probe;
mod runner;
mod running;
mod serve;
pub mod store_url;
mod tls;

pub use args::{Cli, Command};
pub use command::run;
pub use failure::Failure;
pub use listen::Limits;
pub use network::{Network, TlsFiles};
pub use running::Running;
pub use serve::{ServeOptions, start};
