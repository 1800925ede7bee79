//! Many callers at once: nothing is given twice, nothing is lost.

use std::collections::HashSet;

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_sixty_four_pushes_of_a_unique_value_wins() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let http = stack.http();
        let line = json!({"spider": "s", "unique": "only one"});
        let pushes = (0..64).map(|_| {
            let (http, line) = (http.clone(), line.to_string());
            tokio::spawn(async move { http.post("/jobq/1/push", line).await.ok().lines() })
        });
        let mut answers = Vec::new();
        for answer in join_all(pushes).await {
            answers.extend(answer.unwrap());
        }
        let refused = json!({
            "error": "Active job exists with key only one",
            "request": line,
        });
        let (losers, winners): (Vec<_>, Vec<_>) =
            answers.into_iter().partition(|answer| *answer == refused);
        assert_eq!(losers.len(), 63);
        assert_eq!(winners, [json!({"key": "1/1/1", "auth": null})]);
        let count = http.get("/jobq/1/count?state=pending").await.ok();
        assert_eq!(count.json(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incremental_reader_sees_each_finished_job_exactly_once() {
    const JOBS: usize = 10_000;
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let http = stack.http();
        let keys = push(&http, JOBS, |_| json!({"spider": "s", "state": "running"})).await;
        let finishers: Vec<_> = keys
            .chunks(JOBS / 16)
            .map(|keys| {
                let (http, keys) = (http.clone(), keys.to_vec());
                tokio::spawn(async move { finish(&http, &keys).await })
            })
            .collect();

        let (mut seen, mut last) = (Vec::new(), String::new());
        loop {
            let over = finishers.iter().all(tokio::task::JoinHandle::is_finished);
            let path = format!("/jobq/1/list?count=20000&jobmeta=none&stop={last}");
            let path = if last.is_empty() { path.trim_end_matches("&stop=") } else { &path };
            let rows = http.get(path).await.ok().column("key");
            if let Some(first) = rows.first() {
                first.as_str().unwrap().clone_into(&mut last);
            }
            seen.extend(rows);
            if over {
                break;
            }
        }
        for finisher in finishers {
            finisher.await.unwrap();
        }
        assert_eq!(seen.len(), JOBS);
        let seen: HashSet<&str> = seen.iter().map(|key| key.as_str().unwrap()).collect();
        assert_eq!(seen, keys.iter().map(String::as_str).collect());
    })
    .await;
}

async fn finish(http: &Http, keys: &[String]) {
    for some in keys.chunks(10) {
        let lines: Vec<String> =
            some.iter().map(|key| json!({"key": key, "state": "finished"}).to_string()).collect();
        let answer = http.post("/jobq/1/update", lines.join("\n")).await.ok();
        assert_eq!(answer.column("prevstate"), vec!["running"; some.len()]);
    }
}
