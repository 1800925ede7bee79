//! How long after a push a worker that waits has the job, on a server with nothing else to do.

use std::time::{Duration, Instant};

use clap::Args;
use spiderq_proto::v1::{PushJobsRequest, StartJobRequest};
use spiderq_tests::{Grpc, job_of, span};
use tokio::time::interval;

use crate::{ServerArgs, Target, at_least, figures::Figures, times::Times};

const PROJECT: i64 = 2;
/// Between a start's call and the push: the worker waits by then.
const SETTLED: Duration = Duration::from_millis(20);

/// Where and how often.
#[derive(Debug, Args)]
pub(crate) struct Start {
    #[command(flatten)]
    server: ServerArgs,
    /// Pushes; 300 unless said otherwise.
    #[arg(long, value_parser = at_least(1))]
    pushes: Option<usize>,
}

pub(crate) async fn measure(args: &Start, figures: &mut Figures) {
    let pushes = figures.amount(args.pushes, 300, 10);
    let target = Target::of(&args.server);
    let times = push_to_start(&target, &target, pushes).await;
    add(figures, &format!("{}, one server", target.store()), &times);
    if let Some(other) = target.beside() {
        let times = push_to_start(&target, &other, pushes).await;
        add(figures, &format!("{}, two servers", target.store()), &times);
    }
}

fn add(figures: &mut Figures, system: &str, times: &Times) {
    let mut series = figures.of("start", system, 0);
    for (name, percent) in [("p50", 50), ("p99", 99), ("most", 100)] {
        series.add(&format!("push to start, {name}"), times.percentile(percent), "ms");
    }
}

/// Waits at `worker`, pushes at `pusher`, so often; from each push to the answer with its job.
async fn push_to_start(worker: &Target, pusher: &Target, pushes: usize) -> Times {
    let (worker, pusher) =
        (Grpc::new(&worker.url, &worker.key), Grpc::new(&pusher.url, &pusher.key));
    let mut pauses = interval(SETTLED);
    let mut times = Times::default();
    // The first goes to connections that are not there yet.
    for round in 0..=pushes {
        let mut queue = worker.queue();
        let started = tokio::spawn(async move {
            let request = StartJobRequest {
                project: PROJECT,
                wait: span(60_000),
                ..StartJobRequest::default()
            };
            let answer = queue.start_job(request).await.expect("an answer");
            (Instant::now(), answer.into_inner().job.expect("a job"))
        });
        pauses.reset();
        pauses.tick().await;
        let pushed = Instant::now();
        let request = PushJobsRequest {
            project: PROJECT,
            jobs: vec![job_of("spider")],
            request_id: String::new(),
        };
        pusher.queue().push_jobs(request).await.expect("an answer");
        let (got, _) = started.await.expect("a worker to its end");
        if round > 0 {
            times.push(got - pushed);
        }
    }
    times
}
