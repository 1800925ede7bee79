//! Lists: where `stop=` ends them (CONTRACT 4, list), and in which order they run.

use serde_json::{Value, json};
use spiderq_proto::v1::{JobFilter, JobState, ListJobsRequest, ListOrder};
use spiderq_tests::{Http, Stack};

use crate::on_each_store;

async fn push_finished(http: &Http, jobs: usize) {
    let line = json!({"spider": "s", "state": "finished"}).to_string();
    let lines = vec![line; jobs].join("\n");
    http.post("/jobq/1/push", lines).await.ok();
}

async fn keys(http: &Http, path: &str) -> Vec<Value> {
    http.get(path).await.ok().column("key")
}

#[tokio::test]
async fn a_stop_job_keeps_its_place_when_it_is_deleted_or_hidden() {
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
async fn pages_by_state_hold_their_place_across_states() {
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

#[tokio::test]
async fn a_job_scheduled_as_running_was_scheduled_too() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let http = stack.http();
        let form = [("project", "1"), ("spider", "s"), ("meta", r#"{"state":"running"}"#)];
        http.form("/api/run.json", &form).await.ok();
        let job = http.get("/jobs/1/1/1").await.ok().json();
        assert_eq!(job["state"], "running");
        assert_eq!(job["pending_time"], job["running_time"]);
        assert_eq!((&job["scheduled_by"], &job["started_by"]), (&json!("admin"), &json!("admin")));
    })
    .await;
}
