//! `spiderq`: a job service for Scrapy, wire-compatible with Scrapy Cloud's job APIs.

use std::process::ExitCode;

use clap::Parser as _;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match spiderq::run(spiderq::Cli::parse()) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("spiderq: {failure}");
            ExitCode::from(failure.code())
        }
    }
}
