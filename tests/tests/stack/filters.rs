//! The conditions of a `JobFilter` that only gRPC has, in each call that reads jobs by one.

use serde_json::json;
use spiderq_proto::v1::*;
use spiderq_tests::{Grpc, Stack, by_keys, by_name, by_number};

use crate::{helpers::texts, on_each_store};

/// Four finished jobs of project 1, of spiders 1 (`a`) and 2 (`b`).
async fn push(stack: &Stack) {
    let lines = [
        json!({"spider": "a", "tags": ["x"], "priority": 0, "close_reason": "finished",
               "spider_args": {"n": "1", "m": "2"}}),
        json!({"spider": "a", "tags": ["x", "y"], "priority": 4, "close_reason": "lost",
               "spider_args": {"n": "1"}}),
        json!({"spider": "b", "tags": ["y"], "priority": 2, "close_reason": "cancelled",
               "spider_args": {"n": 1}}),
        json!({"spider": "b", "tags": []}),
    ];
    let lines = lines.map(|mut line| {
        line["state"] = json!("finished");
        line.to_string()
    });
    let pushed = stack.http().post("/jobq/1/push", lines.join("\n")).await.ok();
    assert_eq!(pushed.column("key"), ["1/1/1", "1/1/2", "1/2/1", "1/2/2"]);
}

/// The keys that match, oldest first: the same in every call.
async fn found(grpc: &Grpc, filter: JobFilter) -> Vec<String> {
    let filter = Some(filter);
    let request = ListJobsRequest { project: 1, filter: filter.clone(), ..Default::default() };
    let listed = grpc.jobs().list_jobs(request).await.unwrap().into_inner().jobs;
    let mut keys: Vec<String> = listed.into_iter().map(|job| job.key).collect();
    let request = CountJobsRequest { project: 1, filter: filter.clone() };
    let count = grpc.jobs().count_jobs(request).await.unwrap().into_inner().count;
    assert_eq!(count, keys.len() as i64);
    let request = ListQueueRequest { project: 1, filter, ..Default::default() };
    let mut rows = grpc.queue().list_queue(request).await.unwrap().into_inner();
    let mut queued = Vec::new();
    while let Some(row) = rows.message().await.unwrap() {
        queued.push(row.job.unwrap().key);
    }
    assert_eq!(queued, keys);
    keys.reverse();
    keys
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test]
async fn every_condition_selects_its_jobs_in_every_call() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        push(&stack).await;
        type Set = fn(&mut JobFilter);
        let cases: [(Set, &[&str]); 14] = [
            (|f| f.has_all_tags = owned(&["x"]), &["1/1/1", "1/1/2"]),
            (|f| f.has_all_tags = owned(&["y", "x"]), &["1/1/2"]),
            (|f| f.has_all_tags = owned(&["x", "z"]), &[]),
            (|f| f.close_reasons = owned(&["lost", "cancelled"]), &["1/1/2", "1/2/1"]),
            (|f| f.close_reasons = owned(&["los"]), &[]),
            (|f| f.spider_args = texts([("n", "1")]), &["1/1/1", "1/1/2", "1/2/1"]),
            (|f| f.spider_args = texts([("n", "1"), ("m", "2")]), &["1/1/1"]),
            (|f| f.spider_args = texts([("n", "")]), &[]),
            (|f| f.priorities = vec![0, 4], &["1/1/1", "1/1/2"]),
            (|f| f.spiders = vec![by_number(2)], &["1/2/1", "1/2/2"]),
            (
                |f| f.spiders = vec![by_name("a"), by_number(2), by_number(99)],
                &["1/1/1", "1/1/2", "1/2/1", "1/2/2"],
            ),
            // Spiders that do not exist have no jobs.
            (|f| f.spiders = vec![by_number(99)], &[]),
            (|f| f.spiders = vec![by_name("z")], &[]),
            (
                |f| {
                    f.spiders = vec![by_name("a")];
                    f.priorities = vec![4, 2];
                    f.lacks_tags = owned(&["z"]);
                },
                &["1/1/2"],
            ),
        ];
        for (number, (set, expected)) in cases.into_iter().enumerate() {
            let mut filter = JobFilter::default();
            set(&mut filter);
            assert_eq!(found(&stack.grpc(), filter).await, expected, "case {number}");
        }
    })
    .await;
}

/// Deleted jobs are found by their key in every call; without keys they must be asked for.
#[tokio::test]
async fn states_that_are_not_named_are_the_same_in_every_call() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let states = ["pending", "running", "finished", "deleted"];
        let lines = states.map(|state| json!({"spider": "s", "state": state}).to_string());
        stack.http().post("/jobq/1/push", lines.join("\n")).await.ok();
        let grpc = stack.grpc();
        let all = ["1/1/1", "1/1/2", "1/1/3", "1/1/4"];
        assert_eq!(found(&grpc, JobFilter::default()).await, all[..3]);
        // ListQueue keeps the order of the keys.
        let latest_first = all.map(str::to_owned).into_iter().rev().collect();
        let by_key = JobFilter { keys: latest_first, ..JobFilter::default() };
        assert_eq!(found(&grpc, by_key).await, all);
        let count = CountJobsRequest { filter: by_keys(all), ..Default::default() };
        assert_eq!(grpc.jobs().count_jobs(count).await.unwrap().into_inner().count, 4);
    })
    .await;
}
