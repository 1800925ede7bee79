//! `spiderq`: a job service for Scrapy, wire-compatible with Scrapy Cloud's job APIs. This
//! crate is its flags and commands; what they start is in the server and runner crates.

mod admin_client;
mod args;
mod audit;
mod error;
mod fsck;
mod gateway;
mod given;
mod key;
mod log_fields;
mod logs;
mod runner;
mod runtime;
mod secrets;
mod serve;
mod store;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{
    args::{Cli, Command},
    error::Error,
    runtime::block_on,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::try_parse().unwrap_or_else(|error| given::with_sources(error).exit());
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("spiderq: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode, Error> {
    logs::init(&cli.log)?;
    spiderq_server::hide_process();
    spiderq_server::install_crypto_provider();
    match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(flags) => block_on(flags.threads, serve::run(flags, true)),
        Command::Service(flags) => block_on(flags.threads, serve::run(flags, false)),
        Command::Gateway(flags) => block_on(1, gateway::run(flags)),
        Command::Runner(flags) => block_on(1, runner::run(*flags)),
        Command::Key(flags) => block_on(1, key::run(flags)),
        Command::Audit(flags) => block_on(1, audit::run(flags)),
        Command::Fsck(flags) => block_on(1, fsck::run(flags)),
        Command::Supervise(flags) => return Ok(runner::supervise(flags)),
    }?;
    Ok(ExitCode::SUCCESS)
}
