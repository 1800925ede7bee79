//! Lists of jobs: pages, the order of jobs, and where `stop=` ends them (contract 4).

use std::collections::HashSet;

use serde_json::{Value, json};
use spiderq_proto::v1::{JobFilter, JobState, ListJobsRequest, ListOrder};
use spiderq_tests::{Http, Stack};
use tonic::Code;

use crate::{
    helpers::{NOW, schedule},
    on_each_store,
};

async fn push_finished(http: &Http, jobs: usize) {
    let line = json!({"spider": "s", "state": "finished"}).to_string();
    let lines = vec![line; jobs].join("\n");
    http.post("/jobq/1/push", lines).await.ok();
}

async fn keys(http: &Http, path: &str) -> Vec<Value> {
    http.get(path).await.ok().column("key")
}

#[tokio::test]
async fn stop_ends_a_list_even_when_its_job_is_deleted_or_filtered_out() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let http = stack.http();
        push_finished(&http, 3).await;
        // A reader saw 1/1/3 last. Two more finish, then 1/1/3 is deleted, then one finishes.
        push_finished(&http, 2).await;
        let form = [("project", "1"), ("job", "1/1/3")];
        http.form("/api/jobs/delete.json", &form).await.ok();
        push_finished(&http, 1).await;
        let since = keys(&http, "/jobq/1/list?stop=1/1/3").await;
        assert_eq!(since, ["1/1/6", "1/1/5", "1/1/4"]);
        // Where the list shows deleted jobs too, its place is that of its deletion.
        let path = "/jobq/1/list?stop=1/1/3&state=finished&state=deleted";
        assert_eq!(keys(&http, path).await, ["1/1/6"]);
        // A filter that hides the stop job does not move it.
        let hidden = keys(&http, "/jobq/1/list?stop=1/1/4&lacks_tag=x&spider=s").await;
        assert_eq!(hidden, ["1/1/6", "1/1/5"]);
        // A job that never was in a listed state stands where it is now.
        let line = json!({"spider": "s", "state": "running"}).to_string();
        http.post("/jobq/1/push", line).await.ok();
        push_finished(&http, 1).await;
        assert_eq!(keys(&http, "/jobq/1/list?stop=1/1/7").await, ["1/1/8"]);
        // One that does not exist cuts nothing.
        let all = keys(&http, "/jobq/1/list?stop=1/1/99").await;
        assert_eq!(all, ["1/1/8", "1/1/6", "1/1/5", "1/1/4", "1/1/2", "1/1/1"]);
    })
    .await;
}

/// Two jobs of each state; the later a state in a life, the earlier the jobs got there.
async fn two_of_each_state(http: &Http) {
    for state in ["deleted", "finished", "running", "pending"] {
        let line = json!({"spider": "s", "state": state}).to_string();
        let lines = format!("{line}\n{line}");
        http.post("/jobq/1/push", lines).await.ok();
    }
    let again = json!({"key": "1/1/3", "state": "deleted"}).to_string();
    http.post("/jobq/1/update", again).await.ok();
}

#[tokio::test]
async fn pages_in_order_of_state_continue_across_states() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        two_of_each_state(&stack.http()).await;
        let states = [JobState::Pending, JobState::Running, JobState::Finished, JobState::Deleted];
        let given = ["1/1/1", "1/1/8", "1/1/3", "1/1/5", "1/1/4", "1/1/7", "1/1/2", "1/1/6"];
        for keys in [&given[..], &[]] {
            let mut request = ListJobsRequest {
                project: 1,
                filter: Some(JobFilter {
                    states: states.map(i32::from).to_vec(),
                    keys: keys.iter().map(|key| (*key).to_owned()).collect(),
                    ..JobFilter::default()
                }),
                page_size: 3,
                order: ListOrder::State.into(),
                ..ListJobsRequest::default()
            };
            let mut pages: Vec<Vec<String>> = Vec::new();
            loop {
                let page = stack.grpc().jobs().list_jobs(request.clone()).await.unwrap();
                let page = page.into_inner();
                pages.push(page.jobs.into_iter().map(|job| job.key).collect());
                if page.next_page_token.is_empty() {
                    break;
                }
                request.page_token = page.next_page_token;
            }
            let expected = [
                &["1/1/8", "1/1/7", "1/1/6"][..],
                &["1/1/5", "1/1/4", "1/1/3"],
                &["1/1/2", "1/1/1"],
            ];
            assert_eq!(pages, expected);
        }
    })
    .await;
}

#[tokio::test]
async fn pages_skip_and_repeat_no_job_while_new_ones_come() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let grpc = stack.grpc();
        for number in 0..25 {
            stack.set_time(NOW + number);
            let spider = format!("s{number}");
            grpc.jobs().schedule_job(schedule(&spider)).await.unwrap();
        }
        let (mut request, mut keys) = (
            ListJobsRequest {
                project: 53,
                page_size: 10,
                with_total_size: true,
                ..Default::default()
            },
            Vec::new(),
        );
        let mut sizes = Vec::new();
        loop {
            let page = grpc.jobs().list_jobs(request.clone()).await.unwrap();
            let page = page.into_inner();
            sizes.push((page.jobs.len(), page.total_size));
            keys.extend(page.jobs.into_iter().map(|job| job.key));
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
            let new = format!("new{}", keys.len());
            grpc.jobs().schedule_job(schedule(&new)).await.unwrap();
        }
        assert_eq!(sizes, [(10, 25), (10, 26), (5, 27)]);
        let expected: Vec<String> = (1..=25).rev().map(|id| format!("53/{id}/1")).collect();
        assert_eq!(keys, expected);

        request.page_token = "nonsense".to_owned();
        let refused = grpc.jobs().list_jobs(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
    })
    .await;
}

#[tokio::test]
async fn the_dash_list_shows_running_jobs_before_finished_ones() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let http = stack.http();
        let line = |state| json!({"spider": "s", "state": state}).to_string();
        for state in ["running", "finished", "pending", "finished"] {
            http.post("/jobq/1/push", line(state)).await.ok();
        }
        for path in ["/api/jobs/list.json?project=1", "/api/jobs/list.jl?project=1"] {
            let answer = http.get(path).await.ok();
            let rows = if path.contains("jl") {
                answer.lines().split_off(1)
            } else {
                answer.json()["jobs"].as_array().unwrap().clone()
            };
            let ids: Vec<&Value> = rows.iter().map(|row| &row["id"]).collect();
            assert_eq!(ids, ["1/1/3", "1/1/1", "1/1/4", "1/1/2"], "{path}");
        }
    })
    .await;
}

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
