//! Pushes of 1,000 jobs a call.

use std::time::Instant;

use clap::Args;
use spiderq_tests::job_of;

use crate::{
    Target, at_least,
    cpu::CpuTime,
    figures::Figures,
    fill::{BATCH, fill},
    target::StoreArgs,
};

/// How many jobs.
#[derive(Debug, Args)]
pub(crate) struct Batch {
    #[command(flatten)]
    store: StoreArgs,
    /// Jobs in all; 100,000 unless said otherwise.
    #[arg(long, value_parser = at_least(1))]
    jobs: Option<usize>,
}

pub(crate) async fn measure(args: &Batch, figures: &mut Figures) {
    let jobs = figures.amount(args.jobs, 100_000, 2_000);
    let target = Target::on(&args.store);
    // Connects, and warms the server up.
    fill(&target, "batch", BATCH, |_| job_of("spider")).await;
    let server = CpuTime::of(target.pid.expect("a started server"));
    let redis = target.redis_pid().map(CpuTime::of);
    let start = Instant::now();
    fill(&target, "batch", jobs, |_| job_of("spider")).await;
    let wall = start.elapsed();
    let mut series = figures.of("batch", target.store(), 0);
    series.add("jobs pushed a second", jobs as f64 / wall.as_secs_f64(), "jobs/s");
    series.add("server CPU a job", server.us_each(jobs), "us");
    if let Some(redis) = redis {
        series.add("Redis CPU a job", redis.us_each(jobs), "us");
    }
}
