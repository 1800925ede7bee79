//! Changes of all jobs that a filter selects, over gRPC: in bounded steps that can be resumed, and
//! counted without being made.

use std::fmt::Debug;

use serde_json::json;
use spiderq_proto::v1::cancel_jobs_request::Selection;
use spiderq_proto::v1::*;
use spiderq_tests::{Http, Stack, by_keys, by_name};
use tonic::{Code, Response, Status};
use tonic_types::StatusExt as _;

use crate::{helpers::texts, on_each_store};

/// Most jobs that one call changes.
const MOST: usize = 10_000;

/// Jobs of spider `s` in these states and with these tags, in project 1.
async fn push(http: &Http, jobs: &[(&str, &str)]) {
    let line = |(state, tag): &(&str, &str)| {
        json!({"spider": "s", "state": state, "tags": [tag]}).to_string()
    };
    let lines: Vec<String> = jobs.iter().map(line).collect();
    http.post("/jobq/1/push", lines.join("\n")).await.ok();
}

async fn count(http: &Http, query: &str) -> serde_json::Value {
    http.get(&format!("/jobq/1/count?{query}")).await.ok().json()
}

fn tagged(tag: &str) -> Option<JobFilter> {
    Some(JobFilter { has_tags: vec![tag.to_owned()], ..JobFilter::default() })
}

fn assert_wrong<T: Debug>(answer: Result<Response<T>, Status>, field: &str) {
    let status = answer.expect_err(field);
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    let bad = status.get_details_bad_request().unwrap();
    let found = &bad.field_violations[0].field;
    assert!(found.starts_with(field), "{found}");
}

#[tokio::test]
async fn a_filter_without_a_condition_is_refused() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        push(&stack.http(), &[("pending", "x"), ("finished", "x"), ("deleted", "x")]).await;
        let (mut jobs, mut queue) = (stack.grpc().jobs(), stack.grpc().queue());
        for filter in [None, Some(JobFilter::default())] {
            let (project, metadata_json) = (1, texts([("n", "1")]));
            let update = UpdateJobsRequest {
                project,
                filter: filter.clone(),
                metadata_json,
                ..Default::default()
            };
            assert_wrong(jobs.update_jobs(update).await, "filter");
            let stop = StopJobsRequest { project, filter: filter.clone(), ..Default::default() };
            assert_wrong(jobs.stop_jobs(stop).await, "filter");
            let delete =
                DeleteJobsRequest { project, filter: filter.clone(), ..Default::default() };
            assert_wrong(jobs.delete_jobs(delete).await, "filter");
            let restore =
                RestoreJobsRequest { project, filter: filter.clone(), ..Default::default() };
            assert_wrong(jobs.restore_jobs(restore).await, "filter");
            let selection = filter.map(Selection::Filter);
            let cancel = CancelJobsRequest { project, selection, ..Default::default() };
            assert_wrong(queue.cancel_jobs(cancel).await, "filter");
        }
        assert_eq!(count(&stack.http(), "state=pending&state=finished").await, 2);
    })
    .await;
}

#[tokio::test]
async fn keys_must_be_of_one_project_and_of_the_one_that_is_named() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let mut jobs = stack.grpc().jobs();
        let two = StopJobsRequest { filter: by_keys(["1/1/1", "2/1/1"]), ..Default::default() };
        assert_wrong(jobs.stop_jobs(two).await, "filter.keys");
        let other =
            StopJobsRequest { project: 2, filter: by_keys(["1/1/1"]), ..Default::default() };
        assert_wrong(jobs.stop_jobs(other).await, "filter.keys");
        let none = StopJobsRequest { filter: tagged("x"), ..Default::default() };
        assert_wrong(jobs.stop_jobs(none).await, "project");
    })
    .await;
}

#[tokio::test]
async fn validate_only_counts_what_each_call_would_change() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let http = stack.http();
        let all = ["pending", "pending", "running", "finished", "deleted"];
        push(&http, &all.map(|state| (state, "x"))).await;
        push(&http, &[("pending", "y")]).await;
        let (mut jobs, mut queue) = (stack.grpc().jobs(), stack.grpc().queue());
        // The answers without a change, then those of the change itself.
        for validate_only in [true, false] {
            let (project, filter) = (1, tagged("x"));
            let update = UpdateJobsRequest {
                project,
                filter: filter.clone(),
                validate_only,
                metadata_json: texts([("n", "1")]),
                ..Default::default()
            };
            assert_eq!(jobs.update_jobs(update).await.unwrap().into_inner().count, 4);
            let stop = StopJobsRequest {
                project,
                filter: filter.clone(),
                validate_only,
                ..Default::default()
            };
            assert_eq!(jobs.stop_jobs(stop).await.unwrap().into_inner().count, 3);
            let cancel = CancelJobsRequest {
                selection: by_keys(["1/1/6"]).map(Selection::Filter),
                validate_only,
                ..Default::default()
            };
            assert_eq!(queue.cancel_jobs(cancel).await.unwrap().into_inner().count, 1);
            // The running job is passed over.
            let delete = DeleteJobsRequest {
                project,
                filter: filter.clone(),
                validate_only,
                ..Default::default()
            };
            assert_eq!(jobs.delete_jobs(delete).await.unwrap().into_inner().count, 3);
            let deleted = if validate_only { 1 } else { 4 };
            let restore =
                RestoreJobsRequest { project, filter, validate_only, ..Default::default() };
            assert_eq!(jobs.restore_jobs(restore).await.unwrap().into_inner().count, deleted);
            let pending = if validate_only { 3 } else { 0 };
            assert_eq!(count(&http, "state=pending").await, pending);
        }
        assert_eq!(http.get("/jobs/1/1/1/n").await.ok().json(), 1);
        assert_eq!(count(&http, "state=finished").await, 5);
        assert_eq!(count(&http, "state=deleted").await, 0);
    })
    .await;
}

#[tokio::test]
async fn conditions_beside_keys_must_hold_too() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        push(&stack.http(), &[("pending", "x"), ("pending", "y"), ("pending", "x")]).await;
        let filter = JobFilter {
            keys: ["1/1/1", "1/1/2"].map(str::to_owned).to_vec(),
            has_tags: vec!["x".to_owned()],
            spiders: vec![by_name("s")],
            ..JobFilter::default()
        };
        let stop = StopJobsRequest { filter: Some(filter), ..Default::default() };
        let stopped = stack.grpc().jobs().stop_jobs(stop).await.unwrap().into_inner();
        assert_eq!(stopped.count, 1);
        let left = stack.http().get("/jobq/1/list?state=pending").await.ok();
        assert_eq!(left.column("key"), ["1/1/3", "1/1/2"]);
    })
    .await;
}

/// More jobs than one call changes; one comes in between.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_goes_on_where_its_token_says_and_leaves_out_what_came_since() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let http = stack.http();
        let batch = [("pending", "x"); 1_000];
        for _ in 0..MOST / 1_000 {
            push(&http, &batch).await;
        }
        push(&http, &batch[..50]).await;
        let mut jobs = stack.grpc().jobs();
        let stop = StopJobsRequest { project: 1, filter: tagged("x"), ..Default::default() };
        let dry = StopJobsRequest { validate_only: true, ..stop.clone() };
        let dry = jobs.stop_jobs(dry).await.unwrap().into_inner();
        assert_eq!((dry.count, dry.next_page_token.as_str()), (10_050, ""));
        let first = jobs.stop_jobs(stop.clone()).await.unwrap().into_inner();
        assert_eq!(first.count, 10_000);
        push(&http, &[("pending", "x")]).await;
        let page_token = first.next_page_token;
        let other =
            StopJobsRequest { filter: tagged("y"), page_token: page_token.clone(), ..stop.clone() };
        assert_wrong(jobs.stop_jobs(other).await, "page_token");
        let foreign = DeleteJobsRequest {
            project: 1,
            filter: tagged("x"),
            page_token: page_token.clone(),
            ..Default::default()
        };
        assert_wrong(jobs.delete_jobs(foreign).await, "page_token");
        let rest = jobs.stop_jobs(StopJobsRequest { page_token, ..stop }).await.unwrap();
        let rest = rest.into_inner();
        assert_eq!((rest.count, rest.next_page_token.as_str()), (50, ""));
        assert_eq!(count(&http, "state=pending").await, 1);
        assert_eq!(count(&http, "state=finished").await, 10_050);
    })
    .await;
}
