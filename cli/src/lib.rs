//! The spiderq program: settings, listeners, and the commands that put service and gateway
//! together. No rules of jobs belong here.

mod app;
mod args;
mod command;
mod key;
mod listen;
mod logs;
mod probe;
mod serve;

pub use args::{Cli, Command};
pub use command::run;
pub use serve::{Failure, Running, ServeOptions, start};
