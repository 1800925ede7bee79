//! Restoring deleted jobs: they are finished again, as they were before.

use http::Method;
use serde_json::{Value, json};
use spiderq_proto::v1::{JobState, RestoreJobsRequest, Role};
use spiderq_tests::{Http, Response, Stack, by_keys};

use crate::{
    helpers::NOW,
    on_each_store,
    watch::{all, entered, restored as restored_event, take, watch},
};

async fn form(http: &Http, path: &str, job: &str) -> Response {
    http.form(path, &[("project", "53"), ("job", job)]).await
}

async fn text(http: &Http, path: &str) -> String {
    http.get(path).await.ok().text()
}

/// A job of spider `s` that ran for 10 ms and ended as `done`; the clock is 10 ms further then.
async fn finished(stack: &Stack, time: u64) {
    let http = stack.http();
    stack.set_time(time);
    http.post("/jobq/53/push", r#"{"spider":"s","tags":["x"],"note":[ 1.0 ]}"#).await.ok();
    let key = http.post("/jobq/53/startjob", "").await.ok().json()["key"].clone();
    stack.set_time(time + 10);
    let line = json!({"key": key, "state": "finished", "close_reason": "done"}).to_string();
    http.post("/jobq/53/update", line).await.ok();
}

/// Everything that lists and summaries say of jobs that are not deleted.
async fn seen(http: &Http) -> Vec<String> {
    let mut seen = Vec::new();
    for path in [
        "/jobq/53/list",
        "/jobq/53/list?has_tag=x&spider=s",
        "/jobq/53/list?state=deleted",
        "/jobq/53/count?state=deleted",
        "/jobq/53/count?has_tag=x",
        "/jobq/53/summary",
        "/projects/53/jobsummary",
        "/spiders/53/lastjobsummary",
        "/api/jobs/count.json?project=53",
    ] {
        seen.push(text(http, path).await);
    }
    seen
}

#[tokio::test]
async fn a_restored_job_is_as_it_was_before_its_deletion() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let http = stack.http();
        finished(&stack, NOW).await;
        finished(&stack, NOW + 20).await;
        stack.set_time(NOW + 99);
        let (before, mut job) = (seen(&http).await, http.get("/jobs/53/1/1").await.ok().json());
        let (mut events, _) = watch(&stack.grpc(), all()).await.unwrap();
        form(&http, "/api/jobs/delete.json", "53/1/1").await.ok();
        let bob = stack.create_key("bob", Role::User, &[53]).await;
        let restored = form(&http.basic(&bob, ""), "/api/jobs/restore.json", "53/1/1").await.ok();
        assert_eq!(restored.text(), r#"{"status":"ok","count":1}"#);
        job["restored_by"] = json!("bob");
        job["restored_time"] = json!(NOW + 99);
        assert_eq!(http.get("/jobs/53/1/1").await.ok().json(), job);
        assert_eq!(job["finished_time"], NOW + 10);
        assert_eq!(seen(&http).await, before);
        let (told, _) = take(&mut events, 2).await;
        let expected =
            [entered("53/1/1", JobState::Finished, JobState::Deleted), restored_event("53/1/1")];
        assert_eq!(told, expected);
        let again = form(&http, "/api/jobs/restore.json", "53/1/1").await.ok();
        assert_eq!(again.text(), r#"{"status":"ok","count":0}"#);
        drop(events);
        let (status, said) = stack.fsck().await;
        assert_eq!(status, Some(0), "{said}");
    })
    .await;
}

#[tokio::test]
async fn a_job_that_was_deleted_before_its_end_is_cancelled() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let http = stack.http();
        http.post("/jobq/53/push", r#"{"spider":"s"}"#).await.ok();
        http.post("/jobq/53/push", r#"{"spider":"s"}"#).await.ok();
        for (job, body, reason) in [
            ("53/1/1", json!({"key": "53/1/1", "state": "finished"}), "cancelled"),
            ("53/1/2", json!({"key": "53/1/2", "state": "finished", "close_reason": "x"}), "x"),
        ] {
            form(&http, "/api/jobs/delete.json", job).await.ok();
            stack.set_time(NOW + 5);
            let answer = http.post("/jobq/53/update", body.to_string()).await.ok();
            let expected = format!("{{\"key\":\"{job}\",\"prevstate\":\"deleted\"}}\n");
            assert_eq!(answer.text(), expected);
            let found = http.get(&format!("/jobs/{job}")).await.ok().json();
            let expected = json!({
                "close_reason": reason,
                "completed_by": "admin",
                "finished_time": NOW + 5,
                "pending_time": NOW,
                "priority": 2,
                "project": 53,
                "restored_by": "admin",
                "restored_time": NOW + 5,
                "scheduled_by": "admin",
                "spider": "s",
                "state": "finished",
                "tags": [],
                "units": 1,
            });
            assert_eq!(found, expected);
            stack.set_time(NOW);
        }
    })
    .await;
}

#[tokio::test]
async fn only_deleted_jobs_are_restored() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let http = stack.http();
        let states = ["pending", "running", "finished", "deleted", "deleted"];
        let lines = states.map(|state| json!({"spider": "s", "state": state}).to_string());
        http.post("/jobq/53/push", lines.join("\n")).await.ok();
        http.send(Method::DELETE, "/jobs/53/1/5", &[], "").await.ok();
        let filter = by_keys((1..=6).map(|job| format!("53/1/{job}")));
        let restore = RestoreJobsRequest { filter, ..Default::default() };
        let restored = stack.grpc().jobs().restore_jobs(restore).await.unwrap().into_inner();
        assert_eq!(restored.count, 1);
        let purged = http.post("/jobq/53/update", r#"{"key":"53/1/5","state":"finished"}"#).await;
        assert_eq!(purged.ok().text(), "");
        let state = async |job: u8| text(&http, &format!("/jobs/53/1/{job}/state")).await;
        let found = [state(1).await, state(2).await, state(3).await, state(4).await];
        assert_eq!(found, ["\"pending\"", "\"running\"", "\"finished\"", "\"finished\""]);
        assert_eq!(http.get("/jobs/53/1/3/restored_by").await.ok().json(), Value::Null);
    })
    .await;
}

#[tokio::test]
async fn a_client_cannot_write_when_and_by_whom_a_job_was_restored() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let http = stack.http();
        let fields = r#"{"restored_by":"x","restored_time":1,"n":1}"#;
        let line = fields.replacen('{', r#"{"spider":"s","#, 1);
        http.post("/jobq/53/push", line).await.ok();
        http.post("/jobs/53/1/1", fields).await.ok();
        http.post("/jobs/53/1/1/restored_by", "\"x\"").await.ok();
        let job = http.get("/jobs/53/1/1").await.ok().json();
        assert_eq!(
            (&job["n"], &job["restored_by"], &job["restored_time"]),
            (&json!(1), &Value::Null, &Value::Null)
        );
    })
    .await;
}

/// A reader of `list?stop=LAST` gets each job that was finished when it came by once.
#[tokio::test]
async fn a_reader_that_stops_at_its_last_job_gets_a_restored_one_once() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let http = stack.http();
        let mut last = String::new();
        let mut read = async || {
            let path = format!("/jobq/53/list?jobmeta=n&stop={last}");
            let keys = http.get(path.trim_end_matches("stop=")).await.ok().column("key");
            if let Some(first) = keys.first() {
                last = first.as_str().unwrap().to_owned();
            }
            keys
        };
        finished(&stack, NOW).await;
        finished(&stack, NOW + 20).await;
        assert_eq!(read().await, ["53/1/2", "53/1/1"]);
        finished(&stack, NOW + 40).await;
        // The one at which the reader stops is deleted and restored: it hides nothing …
        for job in ["53/1/1", "53/1/2"] {
            form(&http, "/api/jobs/delete.json", job).await.ok();
        }
        finished(&stack, NOW + 60).await;
        for job in ["53/1/1", "53/1/2"] {
            form(&http, "/api/jobs/restore.json", job).await.ok();
        }
        // … and comes no second time.
        assert_eq!(read().await, ["53/1/4", "53/1/3"]);
        assert_eq!(read().await, [] as [&str; 0]);
        let whole = http.get("/jobq/53/list").await.ok();
        assert_eq!(whole.column("key"), ["53/1/4", "53/1/3", "53/1/2", "53/1/1"]);
    })
    .await;
}

#[tokio::test]
async fn a_repeated_restore_is_done_once() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let http = stack.http();
        finished(&stack, NOW).await;
        let form_type = ("content-type", "application/x-www-form-urlencoded");
        let headers = [("idempotency-key", "id"), form_type];
        for _ in 0..2 {
            form(&http, "/api/jobs/delete.json", "53/1/1").await.ok();
            let body = "project=53&job=53/1/1";
            let restored = http.send(Method::POST, "/api/jobs/restore.json", &headers, body).await;
            assert_eq!(restored.ok().text(), r#"{"status":"ok","count":1}"#);
        }
        assert_eq!(text(&http, "/jobs/53/1/1/state").await, "\"deleted\"");
    })
    .await;
}
