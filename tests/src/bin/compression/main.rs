//! What compression saves and costs: bytes of typical metadata, CPU of each value, and bytes that a
//! finished job takes in both stores.
//!
//! `cargo run --release -p spiderq-tests --bin compression -- --jobs 20000`
//!
//! With `--train FILE` it makes a dictionary instead, the same one each time as long as zstd is of
//! the same version: `stores/compression/dictionaries/` has those that are in use.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a step that cannot be done ends the measurement; what it prints is its answer"
)]

mod samples;
mod stores;
mod training;
mod values;

use std::path::PathBuf;

use clap::Parser;

/// Measures compressed metadata, or makes a dictionary.
#[derive(Debug, Parser)]
struct Arguments {
    /// Jobs in each store.
    #[arg(long, default_value_t = 20_000)]
    jobs: usize,
    /// Write a new dictionary to this file, and measure nothing.
    #[arg(long)]
    train: Option<PathBuf>,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    if let Some(file) = arguments.train {
        std::fs::write(file, training::dictionary()).unwrap();
        return;
    }
    values::measure();
    stores::measure(arguments.jobs).await;
}
