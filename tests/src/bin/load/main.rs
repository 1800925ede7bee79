//! Load program: pushes jobs from many clients at once and prints throughput, latency and the
//! server's CPU time.
//!
//! `cargo run --release -p spiderq-tests --bin load -- --api grpc --store redis`
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a step that cannot be done ends the measurement; what it prints is its answer"
)]

mod benchmark;
mod cpu;
mod echo;
mod grpc;
mod http;
mod run;
mod start;
mod target;

use clap::{Parser, ValueEnum};

use self::{run::Report, target::Target};

/// Pushes jobs to a spiderq server, one a call, and measures it.
#[derive(Debug, Parser)]
struct Load {
    /// What to measure.
    #[arg(long, value_enum, default_value = "grpc")]
    api: Api,
    /// Clients at once; each makes one call after the other.
    #[arg(long, default_value_t = 50)]
    clients: usize,
    /// Calls in all.
    #[arg(long, default_value_t = 100_000)]
    pushes: usize,
    /// Connections that the gRPC clients share; HTTP clients have one each. With one, client,
    /// server and Redis pass one batch round and wait for each other in turn.
    #[arg(long, default_value_t = 2)]
    connections: usize,
    /// Store of the server that is started for the measurement.
    #[arg(long, value_enum, default_value = "sqlite")]
    store: Store,
    /// Whether that Redis syncs its log before it answers.
    #[arg(long)]
    durable: bool,
    /// Instead: a running server.
    #[arg(long, requires = "key")]
    url: Option<String>,
    /// Its API key.
    #[arg(long)]
    key: Option<String>,
    /// Its process, for its CPU time.
    #[arg(long)]
    pid: Option<u32>,
    /// Be the bare echo server. Used by `--api echo`.
    #[arg(long, hide = true)]
    echo_server: bool,
}

/// What a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Api {
    /// PushJobs over gRPC.
    Grpc,
    /// POST /jobq/P/push over HTTP/1.1.
    Http,
    /// PushJobs of a bare tonic server that does nothing.
    Echo,
    /// All of it on one private Redis: gRPC, then redis-benchmark with the very same script
    /// and arguments, then echo; and the ratios.
    Compare,
    /// From a push to the answer of a StartJob that waits for it, with nothing else to do; on
    /// Redis also with the two at different servers. Take a few hundred pushes.
    Start,
}

/// Where the started server keeps its jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Store {
    /// A temporary file.
    Sqlite,
    /// A private server.
    Redis,
}

fn main() {
    let load = Load::parse();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        if load.echo_server {
            return echo::serve().await;
        }
        match load.api {
            Api::Grpc => {
                let target = Target::of(&load);
                println!("grpc: {}", grpc::push(&load, &target).await);
            }
            Api::Http => {
                let target = Target::of(&load);
                println!("http: {}", http::push(&load, &target).await);
            }
            Api::Echo => println!("echo: {}", echo(&load).await),
            Api::Compare => compare(&load).await,
            Api::Start => push_to_start(&load).await,
        }
    });
}

async fn push_to_start(load: &Load) {
    let target = Target::of(load);
    print_times("one server", &start::push_to_start(&target, &target, load.pushes).await);
    if let Some(other) = target.beside() {
        let times = start::push_to_start(&target, &other, load.pushes).await;
        print_times("two servers", &times);
    }
}

fn print_times(what: &str, times: &[std::time::Duration]) {
    let ms = |part: usize| {
        let at = (times.len() * part / 100).min(times.len() - 1);
        times[at].as_secs_f64() * 1e3
    };
    let (median, late, most) = (ms(50), ms(99), ms(100));
    println!("{what}: push to start p50 {median:.2} ms, p99 {late:.2} ms, most {most:.2} ms");
}

async fn echo(load: &Load) -> Report {
    let server = echo::EchoServer::start();
    grpc::push(load, &server.target()).await
}

async fn compare(load: &Load) {
    let target = Target::on_redis(load.durable);
    let redis = target.redis();
    let push = benchmark::Push::watched(redis, grpc::push_one(&target)).await;
    let ours = grpc::push(load, &target).await;
    println!("spiderq on Redis:  {ours}");
    let theirs = push.run(redis, load.clients, load.pushes);
    println!("redis-benchmark:   {theirs:.0} calls/s of the same script and arguments");
    println!("rate, ours/theirs: {:.2}", ours.rate() / theirs);
    let echo = echo(load).await;
    println!("bare tonic echo:   {echo}");
    println!("CPU, ours/echo:    {:.2}", ours.cpu() / echo.cpu());
}
