//! Workers that are killed or pause, and clients whose responses get lost: no job is lost, none
//! runs twice at a time, and what runs stays under its limits.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a step that cannot be done ends the test"
)]

mod clock_set;
mod clock_skew;
mod damaged_jobs;
mod killed_workers;
mod lost_responses;
mod outages;
mod paused_workers;
mod running_limits;
mod worker;

use spiderq_proto::v1::{NewJob, PushJobsRequest, StartJobRequest, StartJobResponse};
use spiderq_tests::{Grpc, StoreKind, job_of, pushed_key, span};

/// Runs a test on SQLite, then on Redis; the last line of its output names the store.
async fn on_each_store(test: impl AsyncFn(StoreKind)) {
    for kind in StoreKind::ALL {
        eprintln!("on {kind:?}:");
        test(kind).await;
    }
}

/// Pushes so many pending jobs; their keys.
async fn push(grpc: &Grpc, project: i64, jobs: usize) -> Vec<String> {
    let job = NewJob { metadata_json: [("mark".to_owned(), "1".to_owned())].into(), ..job_of("s") };
    let request = PushJobsRequest { project, jobs: vec![job; jobs], request_id: String::new() };
    let answer = grpc.queue().push_jobs(request).await.unwrap();
    let results = answer.into_inner().results.into_iter();
    results.map(|pushed| pushed_key(pushed).expect("a job")).collect()
}

/// Waits for a job, and takes it for a minute.
async fn take(grpc: &Grpc, project: i64) -> StartJobResponse {
    let request = StartJobRequest {
        project,
        lease: span(60_000),
        wait: span(60_000),
        ..StartJobRequest::default()
    };
    let answer = grpc.queue().start_job(request).await.unwrap();
    let answer = answer.into_inner();
    assert!(answer.job.is_some(), "no job within a minute");
    answer
}
