//! Workers that speak only HTTP: leases, heartbeats, stop requests and fences.

use serde_json::{Value, json};
use spiderq_proto::v1::Role;
use spiderq_tests::{Http, Response, Stack};

use crate::{
    helpers::{NOW, assert_refused},
    on_each_store,
};

const STALE: &str =
    r#"{"error":"Conflict","message":"job 1/1/1 is no longer held by this worker"}"#;

async fn worker(stack: &Stack, name: &str) -> Http {
    let key = stack.create_key(name, Role::Worker, &[1]).await;
    Http::new(&stack.url).basic(&key, "")
}

async fn push(http: &Http) {
    http.post("/jobq/1/push", r#"{"spider":"s"}"#).await.ok();
}

async fn start(worker: &Http, query: &str) -> Value {
    worker.post(&format!("/jobq/1/startjob?{query}"), r#"{"note":1}"#).await.ok().json()
}

/// A heartbeat of the only job.
async fn beat(caller: &Http, body: impl Into<Value>) -> Response {
    caller.post("/jobq/1/1/1/heartbeat", body.into().to_string()).await
}

/// The same caller with the token of a started job.
fn by_token(worker: &Http, started: &Value) -> Http {
    worker.basic(started["key"].as_str().unwrap(), started["auth"].as_str().unwrap())
}

fn alive(lease_expires: u64, stop_requested: bool) -> String {
    format!(r#"{{"lease_expires":{lease_expires},"stop_requested":{stop_requested}}}"#)
}

#[tokio::test]
async fn a_worker_holds_its_job_by_heartbeats_and_sees_that_it_is_to_stop() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let http = stack.http();
        push(&http).await;
        let worker = worker(&stack, "worker").await;
        let mut started = start(&worker, "lease=30").await;
        let (fence, token) = (started["fence"].take(), by_token(&worker, &started));
        assert_eq!(fence.as_str().unwrap().len(), 32);
        started["auth"].take();
        let expected = json!({
            "auth": null,
            "fence": null,
            "key": "1/1/1",
            "lease_expires": NOW + 30_000,
            "note": 1,
            "pending_time": NOW,
            "priority": 2,
            "project": 1,
            "running_time": NOW,
            "scheduled_by": "admin",
            "spider": "s",
            "started_by": "worker",
            "state": "running",
            "tags": [],
            "units": 1,
        });
        assert_eq!(started, expected);

        stack.set_time(NOW + 20_000);
        let answer = token.post("/jobq/1/1/1/heartbeat", "").await.ok();
        assert_eq!(answer.text(), alive(NOW + 50_000, false));
        let body = json!({"fence": fence, "lease": 60, "items": 7, "pages": 9, "logs": 0});
        let answer = beat(&worker, body).await.ok();
        assert_eq!(answer.text(), alive(NOW + 80_000, false));
        let row = http.get("/jobq/1/list?state=running").await.ok().json();
        let counted = ["items", "pages", "logs", "errors"].map(|name| row[name].clone());
        assert_eq!(counted, [json!(7), json!(9), json!(0), Value::Null]);

        // The lease may be in the address, and a write of metadata shows the fence as others do.
        let longer = worker.post("/jobq/1/1/1/heartbeat?lease=90", json!({"fence": fence}).to_string());
        assert_eq!(longer.await.ok().text(), alive(NOW + 110_000, false));
        let note = json!({"fence": fence, "note": 2}).to_string();
        worker.post("/jobs/1/1/1", note).await.ok();
        let metadata = http.get("/jobs/1/1/1").await.ok().json();
        assert_eq!((&metadata["note"], metadata.get("fence")), (&json!(2), None));

        http.form("/api/jobs/stop.json", &[("project", "1"), ("job", "1/1/1")]).await.ok();
        for answer in [beat(&token, json!({"lease": 1})), beat(&token, json!({}))] {
            assert_eq!(answer.await.ok().json()["stop_requested"], true);
        }
        let line =
            json!({"key": "1/1/1", "state": "finished", "close_reason": "cancelled", "fence": fence});
        let done = worker.post("/jobq/1/update", line.to_string()).await.ok();
        assert_eq!(done.text(), "{\"key\":\"1/1/1\",\"prevstate\":\"running\"}\n");

        let late = beat(&worker, json!({"fence": fence})).await;
        assert_eq!((late.status, late.text().as_str()), (409, STALE));
        assert_refused(&beat(&token, json!({})).await, "/jobq", 401);
    })
    .await;
}

#[tokio::test]
async fn a_job_whose_worker_is_silent_goes_to_the_next_and_refuses_the_first() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let http = stack.http();
        push(&http).await;
        let (first, second) = (worker(&stack, "first").await, worker(&stack, "second").await);
        let lost = start(&first, "lease=1").await;
        let token = by_token(&first, &lost);
        stack.set_time(NOW + 1_000);
        let fence = &lost["fence"];
        let late = beat(&first, json!({"fence": fence})).await;
        assert_eq!((late.status, late.text().as_str()), (409, STALE));

        // It waits until the reaper has put the job back.
        let started = start(&second, "lease=3600&wait=60").await;
        assert_eq!((&started["key"], &started["started_by"]), (&json!("1/1/1"), &json!("second")));
        assert_eq!(started["lease_expires"], NOW + 3_601_000);
        assert_ne!(started["fence"], *fence);

        let late = beat(&first, json!({"fence": fence})).await;
        assert_eq!((late.status, late.text().as_str()), (409, STALE));
        let line = json!({"key": "1/1/1", "state": "finished", "fence": fence}).to_string();
        let late = first.post("/jobq/1/update", line).await.ok();
        let message = "job 1/1/1 is no longer held by this worker";
        assert_eq!(late.lines(), [json!({"key": "1/1/1", "error": message})]);
        // The key reaches the project, so that without the fence this would be another's write.
        let note = json!({"fence": fence, "note": 2}).to_string();
        let late = http.post("/jobs/1/1/1", note).await;
        assert_eq!((late.status, late.text().as_str()), (409, STALE));
        assert_refused(&beat(&token, json!({})).await, "/jobq", 401);
        let alive = beat(&second, json!({"fence": started["fence"]})).await.ok();
        assert_eq!(alive.json()["lease_expires"], NOW + 31_000);
    })
    .await;
}

#[tokio::test]
async fn a_start_waits_for_a_push() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let http = stack.http();
        let (started, ()) = tokio::join!(start(&http, "wait=60"), push(&http));
        assert_eq!(started["key"], "1/1/1");
        // Without a lease there is no fence, as with the original.
        assert_eq!((&started["fence"], &started["lease_expires"]), (&Value::Null, &Value::Null));
        let nothing = http.post("/jobq/1/startjob?wait=0&lease=30", "").await.ok();
        assert_eq!(nothing.text(), "");
    })
    .await;
}

/// A job that was started as with the original has a lease from its first heartbeat on.
#[tokio::test]
async fn a_heartbeat_gives_a_lease_to_a_job_without_one() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let http = stack.http();
        push(&http).await;
        let token = by_token(&http, &start(&http, "").await);
        stack.set_time(NOW + 9_999_999);
        let answer = beat(&token, json!({"lease": 5})).await.ok();
        assert_eq!(answer.text(), alive(NOW + 10_004_999, false));
    })
    .await;
}
