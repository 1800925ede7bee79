//! Starting jobs: the order in which workers get them. Starts that wait: `start_wait.rs`; limits
//! of what runs at a time: `running_limits.rs`.

use futures::future::join_all;
use serde_json::{Value, json};
use spiderq_proto::v1::{JobState, StartJobRequest, StartJobResponse};
use spiderq_tests::{Grpc, Http, Stack, span};
use tonic::{Code, Response, Status};
use tonic_types::StatusExt as _;

use crate::{
    helpers::{NOW, schedule},
    on_each_store,
    reaper::{next, watch},
};

/// Pushes `count` jobs made by `line` of their number; answers their keys.
async fn push(http: &Http, count: usize, line: impl Fn(usize) -> Value) -> Vec<String> {
    let lines: Vec<String> = (0..count).map(|number| line(number).to_string()).collect();
    let mut keys = Vec::new();
    for batch in lines.chunks(1000) {
        let answer = http.post("/jobq/1/push", batch.join("\n")).await.ok();
        keys.extend(answer.column("key").iter().map(|key| key.as_str().unwrap().to_owned()));
    }
    keys
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_workers_get_each_job_once_by_priority_then_age() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let keys = push(
            &stack.http(),
            1000,
            |number| json!({"spider": format!("s{}", number % 7), "priority": number % 5}),
        )
        .await;
        let mut expected: Vec<(usize, String)> = keys.into_iter().enumerate().collect();
        expected.sort_by_key(|(number, _)| (std::cmp::Reverse(number % 5), *number));
        let expected: Vec<String> = expected.into_iter().map(|(_, key)| key).collect();

        let grpc = stack.grpc();
        let workers = (0..64).map(|_| {
            let mut queue = grpc.queue();
            tokio::spawn(async move {
                let mut got = Vec::new();
                loop {
                    let request = StartJobRequest { project: 1, ..Default::default() };
                    match queue.start_job(request).await.unwrap().into_inner().job {
                        Some(job) => got.push((job.position, job.key)),
                        None => return got,
                    }
                }
            })
        });
        let mut started: Vec<(i64, String)> = Vec::new();
        for got in join_all(workers).await {
            let got = got.unwrap();
            assert!(got.is_sorted(), "a worker got jobs in the order of the queue");
            started.extend(got);
        }
        // Positions are the order in which the store handed them out.
        started.sort();
        let started: Vec<String> = started.into_iter().map(|(_, key)| key).collect();
        assert_eq!(started, expected);
    })
    .await;
}

/// A start with a request id and a lease of a second.
async fn start_once(grpc: &Grpc, request_id: &str) -> Result<StartJobResponse, Status> {
    let request = StartJobRequest {
        project: 53,
        lease: span(1_000),
        request_id: request_id.to_owned(),
        ..StartJobRequest::default()
    };
    grpc.queue().start_job(request).await.map(Response::into_inner)
}

/// Neither while the job waits for its next attempt, nor while another worker runs it.
#[tokio::test]
async fn a_repeated_start_gets_nothing_of_a_later_attempt() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let grpc = stack.grpc();
        grpc.jobs().schedule_job(schedule("a")).await.unwrap();
        let first = start_once(&grpc, "r").await.unwrap();
        assert_eq!(start_once(&grpc, "r").await.unwrap(), first);
        let stale = async || {
            let refused = start_once(&grpc, "r").await.unwrap_err();
            let info = refused.get_details_error_info().unwrap();
            let found = (refused.code(), info.reason.as_str(), info.metadata["key"].as_str());
            assert_eq!(found, (Code::FailedPrecondition, "STALE_FENCE", "53/1/1"));
        };
        let mut events = watch(&grpc).await;
        stack.set_time(NOW + 1_000);
        assert_eq!(next(&mut events).await.2, JobState::Pending);
        stale().await;
        let second = start_once(&grpc, "other").await.unwrap();
        assert_eq!(second.job.as_ref().unwrap().attempt, 2);
        stale().await;
        let old = Http::new(&stack.url).bearer(&first.token);
        assert_eq!(old.post("/jobs/53/1/1", r#"{"n":1}"#).await.status, 401);
        assert_eq!(start_once(&grpc, "other").await.unwrap(), second);
    })
    .await;
}
