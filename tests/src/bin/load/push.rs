//! Pushes of one job a call: over gRPC, over HTTP, beside what they cost at least.

use clap::Args;

use crate::{
    ServerArgs, Target, at_least, benchmark, echo as bare, figures::Figures, grpc, http,
    run::Report,
};

/// How pushes are made.
#[derive(Clone, Debug, Args)]
pub(crate) struct Push {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// Clients at once; each makes one call after the other.
    #[arg(long, default_value_t = 50, value_parser = at_least(1))]
    pub(crate) clients: usize,
    /// Calls in all; 100,000 unless said otherwise.
    #[arg(long, value_parser = at_least(1))]
    pushes: Option<usize>,
    /// Connections that the gRPC clients share; HTTP clients have one each. With one, client,
    /// server and Redis pass one batch round and wait for each other in turn.
    #[arg(long, default_value_t = 2, value_parser = at_least(1))]
    pub(crate) connections: usize,
}

impl Push {
    fn pushes(&self, figures: &Figures) -> usize {
        figures.amount(self.pushes, 100_000, 500)
    }
}

pub(crate) async fn over_grpc(args: &Push, figures: &mut Figures) {
    let target = Target::of(&args.server);
    let report = grpc::push(args, args.pushes(figures), &target).await;
    add(figures, &format!("gRPC, {}", target.store()), &report);
}

pub(crate) async fn over_http(args: &Push, figures: &mut Figures) {
    let target = Target::of(&args.server);
    let report = http::push(args, args.pushes(figures), &target).await;
    add(figures, &format!("HTTP, {}", target.store()), &report);
}

pub(crate) async fn echo(args: &Push, figures: &mut Figures) {
    let server = bare::EchoServer::start();
    let report = grpc::push(args, args.pushes(figures), &server.target()).await;
    add(figures, "bare tonic server", &report);
}

fn add(figures: &mut Figures, system: &str, report: &Report) {
    let mut series = figures.of("push", system, 0);
    series.add("pushes a second", report.rate(), "jobs/s");
    series.add("push, p50", report.latency_ms(50), "ms");
    series.add("push, p99", report.latency_ms(99), "ms");
    if report.cpu().is_finite() {
        series.add("server CPU a push", report.cpu(), "us");
    }
}

pub(crate) async fn compare(args: &Push, figures: &mut Figures) {
    let pushes = args.pushes(figures);
    let target = Target::on_redis(args.server.store.durable);
    let redis = target.redis();
    let push = benchmark::Push::watched(redis, grpc::push_one(&target)).await;
    let ours = grpc::push(args, pushes, &target).await;
    add(figures, "gRPC, Redis", &ours);
    let theirs = push.run(redis, args.clients, pushes);
    let server = bare::EchoServer::start();
    let echo = grpc::push(args, pushes, &server.target()).await;
    add(figures, "bare tonic server", &echo);
    let mut series = figures.of("compare", "Redis", 0);
    series.add("the script alone, by redis-benchmark", theirs, "calls/s");
    series.add("rate, ours / redis-benchmark", ours.rate() / theirs, "");
    series.add("CPU, ours / bare tonic server", ours.cpu() / echo.cpu(), "");
}
