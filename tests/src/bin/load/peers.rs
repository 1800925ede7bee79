//! The same small jobs in spiderq, BullMQ, rq and scrapyd: on this machine, on a private Redis of
//! the same settings, in turns. CPU time is that of all processes: clients, servers and Redis.
//!
//! The other programs are installed into a temporary folder, in the versions of
//! `tests/clients/peers/`.

mod programs;
mod schedule;

use std::{path::PathBuf, time::Instant};

use clap::Args;
use spiderq_proto::v1::StartJobRequest;
use spiderq_tests::{Grpc, job_of, redis_server::RedisServer, update_error};

use self::programs::{Programs, Run};
use crate::{
    Target, at_least,
    cpu::CpuTime,
    figures::Figures,
    fill::{BATCH, PROJECT, fill},
    life::finish,
    redis_watch,
    run::run,
};

/// rq gets so much fewer jobs: it needs that much longer for one.
const FEWER_FOR_RQ: usize = 4;

/// How many jobs, and where the programs are.
#[derive(Debug, Args)]
pub(crate) struct Peers {
    /// Jobs of each run; 20,000 unless said otherwise. rq gets a quarter of them.
    #[arg(long, value_parser = at_least(1))]
    jobs: Option<usize>,
    /// Workers at once; rq has one.
    #[arg(long, default_value_t = 50, value_parser = at_least(1))]
    workers: usize,
    /// How often each is run, in turns.
    #[arg(long, value_parser = at_least(1))]
    rounds: Option<usize>,
    /// Folder to install the programs into, which stays; what is there already is taken. Without
    /// it, a temporary one.
    #[arg(long)]
    folder: Option<PathBuf>,
}

pub(crate) async fn measure(args: &Peers, figures: &mut Figures) {
    let jobs = figures.amount(args.jobs, 20_000, 2_000);
    let rounds = figures.amount(args.rounds, 3, 1);
    let programs = Programs::install(args.folder.as_deref());
    for _ in 0..rounds {
        spiderq(figures, jobs, args.workers).await;
        bullmq(figures, &programs, jobs, args.workers);
        rq(figures, &programs, jobs / FEWER_FOR_RQ);
        schedule::spiderq(figures, jobs / 10).await;
        schedule::scrapyd(figures, &programs, jobs / 10).await;
    }
}

fn bullmq(figures: &mut Figures, programs: &Programs, jobs: usize, workers: usize) {
    let redis = RedisServer::start(&[]);
    let (jobs_word, workers) = (jobs.to_string(), workers.to_string());
    let added = on(&redis, || programs.bullmq(&redis, &["add", &jobs_word]));
    add(figures, "peers_add", "BullMQ", jobs, &added);
    let worked = on(&redis, || programs.bullmq(&redis, &["work", &jobs_word, &workers]));
    add(figures, "peers_work", "BullMQ", jobs, &worked);
}

fn rq(figures: &mut Figures, programs: &Programs, jobs: usize) {
    let redis = RedisServer::start(&[]);
    let added = on(&redis, || programs.rq(&redis, &["add", &jobs.to_string()]));
    add(figures, "peers_add", "rq", jobs, &added);
    let worked = on(&redis, || programs.rq(&redis, &["work"]));
    add(figures, "peers_work", "rq", jobs, &worked);
}

/// What the program says, and the CPU time of Redis meanwhile.
fn on(redis: &RedisServer, program: impl FnOnce() -> Run) -> Run {
    let cpu = CpuTime::of(redis_watch::process(redis));
    let run = program();
    Run { cpu: run.cpu + cpu.elapsed().as_secs_f64(), ..run }
}

async fn spiderq(figures: &mut Figures, jobs: usize, workers: usize) {
    let target = Target::on_redis(false);
    // Connects, and warms the server up.
    fill(&target, "peers", BATCH, |_| job_of("spider")).await;
    let processes = Processes::of(&target);
    fill(&target, "peers", jobs, |_| job_of("spider")).await;
    add(figures, "peers_add", "spiderq", jobs, &processes.run());
    let connections = [target.grpc(), target.grpc()];
    let mut connections = connections.iter().cycle();
    let connect = async || worker(connections.next().expect("a connection"));
    // Those that warm up take a job each.
    let processes = Processes::of(&target);
    run(workers, jobs, target.pid, connect).await;
    add(figures, "peers_work", "spiderq", jobs, &processes.run());
}

/// Starts a job and finishes it.
fn worker(grpc: &Grpc) -> impl AsyncFnMut() + 'static {
    let mut queue = grpc.queue();
    async move || {
        let request = StartJobRequest { project: PROJECT, ..StartJobRequest::default() };
        let started = queue.start_job(request).await.expect("an answer").into_inner();
        let end = finish(&started.job.expect("a job").key, started.fence);
        let ended = queue.update_queue(end).await.expect("an answer").into_inner();
        assert_eq!(update_error(&ended.results[0]), None);
    }
}

/// Time and CPU time of a server, its Redis, and this program as their client.
struct Processes {
    start: Instant,
    own: CpuTime,
    servers: CpuTime,
}

impl Processes {
    fn of(target: &Target) -> Self {
        Self::of_servers(target.pid.into_iter().chain(target.redis_pid()).collect())
    }

    fn of_servers(pids: Vec<u32>) -> Self {
        Self { start: Instant::now(), own: CpuTime::own(), servers: CpuTime::of_all(pids) }
    }

    fn run(&self) -> Run {
        let cpu = self.own.elapsed() + self.servers.elapsed();
        Run { seconds: self.start.elapsed().as_secs_f64(), cpu: cpu.as_secs_f64() }
    }
}

fn add(figures: &mut Figures, measurement: &str, system: &str, jobs: usize, run: &Run) {
    let mut series = figures.of(measurement, system, 0);
    series.add("jobs a second", jobs as f64 / run.seconds, "jobs/s");
    series.add("CPU of all processes a job", run.cpu * 1e6 / jobs as f64, "us");
}
