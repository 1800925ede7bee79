//! How long after a push a worker that waits has the job, on a server with nothing else to do.

use std::time::{Duration, Instant};

use spiderq_proto::v1::{PushJobsRequest, StartJobRequest};
use spiderq_tests::{Grpc, job_of, span};
use tokio::time::interval;

use crate::Target;

const PROJECT: i64 = 2;
/// Between a start's call and the push: the worker waits by then.
const SETTLED: Duration = Duration::from_millis(20);

/// Waits at `worker`, pushes at `pusher`, so often; from each push to the answer with its job,
/// ascending.
pub(crate) async fn push_to_start(
    worker: &Target,
    pusher: &Target,
    pushes: usize,
) -> Vec<Duration> {
    let (worker, pusher) =
        (Grpc::new(&worker.url, &worker.key), Grpc::new(&pusher.url, &pusher.key));
    let mut pauses = interval(SETTLED);
    let mut times = Vec::with_capacity(pushes);
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
    times.sort();
    times
}
