//! Load program: each subcommand is a measurement. It starts a server, calls it, and prints what it
//! found: rates, times, CPU time, memory, commands of Redis. `report` makes docs/benchmarks.md of it.
//!
//! `cargo run --release -p spiderq-tests --bin load -- life --store redis`
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a step that cannot be done ends the measurement; what it prints is its answer"
)]

mod batch;
mod benchmark;
mod consumed;
mod cpu;
mod echo;
mod figures;
mod fill;
mod grpc;
mod http;
mod life;
mod list;
mod output;
mod paging;
mod peers;
mod processes;
mod push;
mod redis_watch;
mod report;
mod run;
mod scale;
mod start;
mod target;
mod times;

use std::{panic, path::PathBuf};

use clap::{Parser, Subcommand, builder::RangedU64ValueParser};

use self::{
    figures::Figures,
    target::{ServerArgs, Target},
};

/// Measures spiderq servers.
#[derive(Debug, Parser)]
struct Load {
    #[command(subcommand)]
    measurement: Measurement,
    /// File to append each figure to, a line of JSON for each; `report` reads it.
    #[arg(long, global = true)]
    results: Option<PathBuf>,
    /// Take so few jobs and calls that it ends within seconds (`peers` within minutes). The figures say
    /// nothing then; `report` takes them only with this flag.
    #[arg(long, global = true)]
    short: bool,
}

#[derive(Debug, Subcommand)]
enum Measurement {
    /// Pushes of one job a call over gRPC.
    Grpc(push::Push),
    /// Pushes of one job a call over HTTP/1.1 (`POST /jobq/P/push`).
    Http(push::Push),
    /// The gRPC pushes, at a bare server (tonic, Rust's gRPC library) that does nothing with them.
    Echo(push::Push),
    /// On one private Redis, one after the other: pushes over gRPC, redis-benchmark with the very same
    /// script and arguments, and the bare server; and their ratios.
    Compare(push::Push),
    /// From a push to the answer of a StartJob that waits for it, with nothing else to do; on Redis
    /// also with the two at different servers.
    Start(start::Start),
    /// Push, start, heartbeat, finish: by many workers at once.
    Life(life::Life),
    /// PushJobs of 1,000 jobs a call.
    Batch(batch::Batch),
    /// CPU time of each row of `/jobq/P/list?count=1000`.
    List(list::List),
    /// Lists, counts, summaries and updates in a project of very many jobs.
    Scale(scale::Scale),
    /// A consumer that lists the finished jobs without a tag and tags them, beside pushes.
    Consumed(consumed::Consumed),
    /// All pages of a list, by `start=`.
    Paging(paging::Paging),
    /// Lines of jobs' output: appended in batches, read back, and followed.
    Output(output::Output),
    /// The same load on one and on several server processes before one Redis.
    Processes(processes::Processes),
    /// The same small jobs in other job services, which it installs into temporary folders.
    Peers(peers::Peers),
    /// Writes docs/benchmarks.md and its plots from results files.
    Report(report::Report),
    /// Be the bare echo server. Used by `echo`.
    #[command(hide = true)]
    EchoServer,
}

/// Numbers from `least` on.
fn at_least(least: u64) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(least..)
}

fn main() {
    // What cannot be done ends the program with one line, not with a stack.
    panic::set_hook(Box::new(|fault| {
        let text = fault.payload_as_str().unwrap_or("a fault");
        eprintln!("load: {text} ({})", fault.location().map_or(String::new(), ToString::to_string));
    }));
    let load = Load::parse();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut figures = Figures::new(load.results.as_deref(), load.short);
    runtime.block_on(measure(load.measurement, &mut figures));
}

async fn measure(measurement: Measurement, figures: &mut Figures) {
    match measurement {
        Measurement::Grpc(args) => push::over_grpc(&args, figures).await,
        Measurement::Http(args) => push::over_http(&args, figures).await,
        Measurement::Echo(args) => push::echo(&args, figures).await,
        Measurement::Compare(args) => push::compare(&args, figures).await,
        Measurement::Start(args) => start::measure(&args, figures).await,
        Measurement::Life(args) => life::measure(&args, figures).await,
        Measurement::Batch(args) => batch::measure(&args, figures).await,
        Measurement::List(args) => list::measure(&args, figures).await,
        Measurement::Scale(args) => scale::measure(&args, figures).await,
        Measurement::Consumed(args) => consumed::measure(&args, figures).await,
        Measurement::Paging(args) => paging::measure(&args, figures).await,
        Measurement::Output(args) => output::measure(&args, figures).await,
        Measurement::Processes(args) => processes::measure(&args, figures).await,
        Measurement::Peers(args) => peers::measure(&args, figures).await,
        Measurement::Report(args) => report::write(&args, figures),
        Measurement::EchoServer => echo::serve().await,
    }
}
