//! The whole life of jobs, by many workers at once: each pushes a job, starts one, sends a
//! heartbeat, and finishes it.

use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};

use clap::Args;
use spiderq_proto::v1::{
    HeartbeatRequest, JobState, JobUpdate, StartJobRequest, UpdateQueueRequest,
};
use spiderq_tests::{Grpc, job_of, span, update_error, update_of};
use tokio::task::LocalSet;

use crate::{
    Target, at_least,
    cpu::CpuTime,
    figures::{Figures, Series},
    fill::{PROJECT, counters, push},
    target::StoreArgs,
    times::Times,
};

const STEPS: [&str; 4] = ["push", "start", "heartbeat", "finish"];
/// Connections of all workers of a server.
const CONNECTIONS: usize = 2;

/// How many workers and jobs.
#[derive(Debug, Args)]
pub(crate) struct Life {
    #[command(flatten)]
    store: StoreArgs,
    /// Workers at once.
    #[arg(long, default_value_t = 50, value_parser = at_least(1))]
    workers: usize,
    /// Jobs in all; 20,000 unless said otherwise.
    #[arg(long, value_parser = at_least(1))]
    jobs: Option<usize>,
}

pub(crate) async fn measure(args: &Life, figures: &mut Figures) {
    let jobs = figures.amount(args.jobs, 20_000, 100);
    let target = Target::on(&args.store);
    let lives = live(&[&target], args.workers, jobs).await;
    lives.add(&mut figures.of("life", target.store(), 0));
}

/// What came of it.
pub(crate) struct Lives {
    jobs: usize,
    wall: Duration,
    /// In the order of `STEPS`.
    steps: [Times; 4],
    /// us a job.
    server_cpu: f64,
    redis_cpu: Option<f64>,
}

impl Lives {
    pub(crate) fn add(&self, series: &mut Series<'_>) {
        series.add("whole lives a second", self.jobs as f64 / self.wall.as_secs_f64(), "jobs/s");
        for (name, times) in STEPS.iter().zip(&self.steps) {
            series.add(&format!("{name}, p50"), times.median(), "ms");
            series.add(&format!("{name}, p99"), times.percentile(99), "ms");
        }
        series.add("server CPU a job", self.server_cpu, "us");
        if let Some(cpu) = self.redis_cpu {
            series.add("Redis CPU a job", cpu, "us");
        }
    }
}

/// Has `workers`, spread over the servers, bring `jobs` through their lives.
pub(crate) async fn live(servers: &[&Target], workers: usize, jobs: usize) -> Lives {
    let connections: Vec<Grpc> =
        (0..CONNECTIONS).flat_map(|_| servers.iter().map(|server| server.grpc())).collect();
    for grpc in &connections {
        // Connects, and warms the server up.
        one_life(grpc, &mut <[Times; 4]>::default()).await;
    }
    let pids = servers.iter().map(|server| server.pid.expect("a started server")).collect();
    let (server, redis) = (CpuTime::of_all(pids), servers[0].redis_pid().map(CpuTime::of));
    let left = Rc::new(Cell::new(jobs));
    let local = LocalSet::new();
    let start = Instant::now();
    let worker = |at: usize| {
        let (grpc, left) = (connections[at % connections.len()].clone(), Rc::clone(&left));
        local.spawn_local(async move {
            let mut steps = <[Times; 4]>::default();
            while let Some(rest) = left.get().checked_sub(1) {
                left.set(rest);
                one_life(&grpc, &mut steps).await;
            }
            steps
        })
    };
    let workers: Vec<_> = (0..workers).map(worker).collect();
    local.await;
    let wall = start.elapsed();
    let server_cpu = server.us_each(jobs);
    let redis_cpu = redis.map(|cpu| cpu.us_each(jobs));
    let mut steps = <[Times; 4]>::default();
    for worker in workers {
        let times = worker.await.expect("a worker to its end");
        steps.iter_mut().zip(times).for_each(|(all, times)| all.extend(times));
    }
    Lives { jobs, wall, steps, server_cpu, redis_cpu }
}

/// Pushes a job, and brings one to its end: there are never fewer pending ones than workers that
/// are about to start one.
async fn one_life(grpc: &Grpc, steps: &mut [Times; 4]) {
    let [pushes, starts, heartbeats, ends] = steps;
    let mut queue = grpc.queue();
    pushes.time(async || push(grpc, vec![job_of("spider")]).await).await;
    let request =
        StartJobRequest { project: PROJECT, lease: span(60_000), ..StartJobRequest::default() };
    let started = starts.time(async || queue.start_job(request.clone()).await).await;
    let started = started.expect("an answer").into_inner();
    let (key, fence) = (started.job.expect("a job").key, started.fence);
    let request = HeartbeatRequest {
        key: key.clone(),
        fence: fence.clone(),
        counters: Some(counters()),
        ..HeartbeatRequest::default()
    };
    let beat = heartbeats.time(async || queue.heartbeat(request.clone()).await).await;
    beat.expect("an answer");
    let request = finish(&key, fence);
    let ended = ends.time(async || queue.update_queue(request.clone()).await).await;
    let ended = ended.expect("an answer").into_inner();
    assert_eq!(update_error(&ended.results[0]), None);
}

/// A worker's last call.
pub(crate) fn finish(key: &str, fence: String) -> UpdateQueueRequest {
    let update = JobUpdate {
        state: JobState::Finished.into(),
        close_reason: Some("finished".to_owned()),
        counters: Some(counters()),
        fence,
        ..update_of(key)
    };
    UpdateQueueRequest { project: PROJECT, updates: vec![update], request_id: String::new() }
}
