//! Starting jobs: the order in which workers get them. Starts that wait: `start_wait.rs`; limits
//! of what runs at a time: `running_limits.rs`.

use futures::future::join_all;
use serde_json::{Value, json};
use spiderq_proto::v1::StartJobRequest;
use spiderq_tests::{Http, Stack};

use crate::on_each_store;

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
