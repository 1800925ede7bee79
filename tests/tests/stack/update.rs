//! Updating jobs: which keys may, and changes of tags and metadata of many jobs.

use serde_json::{Value, json};
use spiderq_proto::v1::{
    CountJobsRequest, JobFilter, JobState, JobUpdate, JobView, ListQueueRequest, MadeUpdate, Role,
    TagChanges, UpdateJobsRequest, UpdateQueueRequest, updated_job,
};
use spiderq_tests::{Http, Stack, by_keys, update_of};

use crate::{
    helpers::{NOW, assert_refused, schedule, texts},
    on_each_store,
};

/// Pushes a job of spider 1; its number.
async fn fresh_job(admin: &Http, project: u64, state: &str) -> String {
    let line = json!({"spider": "s", "state": state}).to_string();
    let pushed = admin.post(&format!("/jobq/{project}/push"), line).await;
    let key = pushed.ok().json()["key"].as_str().unwrap().to_owned();
    key.rsplit('/').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_worker_writes_only_to_jobs_that_it_runs() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let admin = stack.http();
        let key = stack.create_key("worker", Role::Worker, &[1]).await;
        let worker = admin.basic(&key, "");
        admin.post("/jobq/1/push", r#"{"spider":"s"}"#).await.ok();
        let line = r#"{"spider":"s","state":"running"}"#;
        admin.post("/jobq/1/push", line).await.ok();
        let started = worker.post("/jobq/1/startjob", "{}").await.ok().json();
        assert_eq!(started["key"], "1/1/1");
        assert_eq!(started["started_by"], "worker");

        worker.post("/jobs/1/1/1", r#"{"n":1}"#).await.ok();
        let finish = |key: &str| json!({"key": key, "state": "finished"}).to_string();
        let done = worker.post("/jobq/1/update", finish("1/1/1")).await.ok();
        assert_eq!(done.lines(), [json!({"key": "1/1/1", "prevstate": "running"})]);

        assert_refused(&worker.post("/jobs/1/1/2", r#"{"n":1}"#).await, "/jobs", 403);
        let other = worker.post("/jobq/1/update", finish("1/1/2")).await.ok();
        assert_eq!(other.column("key"), ["1/1/2"]);
        assert!(other.column("error")[0].is_string(), "{other}");
        let state = admin.get("/jobs/1/1/2/state").await.ok();
        assert_eq!(state.json(), "running");
    })
    .await;
}

/// The first end wins, over HTTP and gRPC; all else of the second is merged.
#[tokio::test]
async fn a_finished_job_keeps_its_close_reason() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let http = stack.http();
        http.post("/jobq/53/push", r#"{"spider":"s","state":"running"}"#).await.ok();
        http.post("/jobq/53/push", r#"{"spider":"s","state":"running"}"#).await.ok();
        let update = async |line: Value| http.post("/jobq/53/update", line.to_string()).await.ok();
        for (key, first) in [("53/1/1", json!("lost")), ("53/1/2", Value::Null)] {
            let mut end = json!({"key": key, "state": "finished"});
            if first != Value::Null {
                end["close_reason"] = first.clone();
            }
            update(end).await;
            stack.set_time(NOW + 5);
            let before = http.get(&format!("/jobs/{key}")).await.ok().json();
            let stats = json!({"item_scraped_count": 3, "finish_reason": "finished"});
            let late = json!({
                "key": key, "state": "finished", "close_reason": "finished", "n": 1,
                "scrapystats": stats, "tags": ["late"],
            });
            let answer = update(late).await;
            let expected = format!("{{\"key\":\"{key}\",\"prevstate\":\"finished\"}}\n");
            assert_eq!(answer.text(), expected);
            let later = JobUpdate {
                state: JobState::Finished.into(),
                close_reason: Some("finished".to_owned()),
                metadata_json: texts([("close_reason", "\"again\""), ("m", "2")]),
                ..update_of(key)
            };
            let request = UpdateQueueRequest { updates: vec![later], ..Default::default() };
            let answer = stack.grpc().queue().update_queue(request).await.unwrap().into_inner();
            let made = MadeUpdate { previous_state: JobState::Finished.into() };
            assert_eq!(answer.results[0].result, Some(updated_job::Result::Made(made)));
            let mut expected = before;
            expected["n"] = json!(1);
            expected["m"] = json!(2);
            expected["scrapystats"] = stats;
            expected["tags"] = json!(["late"]);
            assert_eq!(http.get(&format!("/jobs/{key}")).await.ok().json(), expected);
            let row = http.get(&format!("/jobq/53/list?key={key}")).await.ok().json();
            assert_eq!((&row["items"], &row["close_reason"]), (&json!(3), &first));
        }
        // Without a state it is an update of a field like any other.
        update(json!({"key": "53/1/1", "close_reason": "corrected"})).await;
        let reason = http.get("/jobs/53/1/1/close_reason").await.ok();
        assert_eq!(reason.json(), "corrected");
    })
    .await;
}

#[tokio::test]
async fn an_update_without_the_right_to_update_is_403() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        fresh_job(&stack.http(), 1, "running").await;
        for (role, projects) in [(Role::Read, [1]), (Role::User, [2])] {
            let key = stack.create_key("caller", role, &projects).await;
            let http = Http::new(&stack.url).basic(&key, "");
            for body in [r#"{"key":"1/1/1","n":1}"#, ""] {
                let answer = http.post("/jobq/1/update", body).await;
                assert_refused(&answer, "/jobq/1/update", 403);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn tags_set_by_update_jobs_are_found_by_count_and_list() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let grpc = stack.grpc();
        for spider in ["a", "b"] {
            grpc.jobs().schedule_job(schedule(spider)).await.unwrap();
        }
        let tag = UpdateJobsRequest {
            filter: by_keys(["53/2/1", "53/9/9"]),
            tag_changes: Some(TagChanges { add: vec!["x".to_owned()], ..Default::default() }),
            metadata_json: texts([("note", "[1, 2]")]),
            ..Default::default()
        };
        let tagged = grpc.jobs().update_jobs(tag).await.unwrap().into_inner();
        assert_eq!(tagged.count, 1);
        let filter = JobFilter {
            states: vec![JobState::Pending.into()],
            has_tags: vec!["x".to_owned()],
            ..Default::default()
        };
        let count = CountJobsRequest { project: 53, filter: Some(filter.clone()) };
        let count = grpc.jobs().count_jobs(count).await.unwrap().into_inner();
        assert_eq!(count.count, 1);
        let list = ListQueueRequest {
            project: 53,
            filter: Some(filter),
            view: JobView::Row.into(),
            metadata_fields: vec!["note".to_owned()],
            ..Default::default()
        };
        let mut stream = grpc.queue().list_queue(list).await.unwrap().into_inner();
        stack.set_time(NOW + 5);
        let row = stream.message().await.unwrap().unwrap();
        let job = row.job.unwrap();
        assert_eq!(job.key, "53/2/1");
        assert_eq!(job.metadata_json["note"], "[1, 2]");
        assert_eq!(stream.message().await.unwrap(), None);
    })
    .await;
}
