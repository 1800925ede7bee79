//! Credentials: how they come, what is answered to bad ones, and what a worker's key reaches.
//! Who may make which call: `access`.

use serde_json::{Value, json};
use spiderq_proto::v1::Role;
use spiderq_tests::{Answer, Http, Stack};

use crate::on_each_store;

/// Pushes a job of spider 1; its number.
async fn fresh_job(admin: &Http, project: u64, state: &str) -> String {
    let line = json!({"spider": "s", "state": state}).to_string();
    let pushed = admin.post(&format!("/jobq/{project}/push"), line).await;
    let key = pushed.ok().json()["key"].as_str().unwrap().to_owned();
    key.rsplit('/').next().unwrap().to_owned()
}

/// What a caller who may not is told, by the family of the path.
pub(crate) fn assert_refused(answer: &Answer, path: &str, code: u16) {
    assert_eq!(answer.status, code, "{answer}");
    let body = answer.json();
    let message = body["message"].as_str().unwrap();
    assert!(!message.is_empty());
    let expected: Value = match (path.starts_with("/api/"), code) {
        (true, 401) => json!({"status": "error", "message": "Authentication failed"}),
        (true, _) => json!({"status": "error", "message": message}),
        (false, 401) => json!({"error": "Unauthorized", "message": "Unauthorized"}),
        (false, _) => json!({"error": "Forbidden", "message": message}),
    };
    assert_eq!(body, expected, "{answer}");
    if code == 401 {
        let challenge = answer.header("www-authenticate");
        assert!(challenge.starts_with("Basic"), "{challenge}");
    }
}

#[tokio::test]
async fn nobody_gets_in_without_a_good_key() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let admin = stack.http();
        let wrong = "f".repeat(32);
        let callers = [
            admin.anonymous(),
            admin.basic(&wrong, ""),
            admin.basic("", ""),
            admin.basic("1/1/1", &wrong),
            admin.bearer(&wrong),
            admin.bearer(""),
        ];
        for path in ["/jobq/1/count", "/jobs/1/1/1", "/api/jobs/count.json?project=1"] {
            for caller in &callers {
                assert_refused(&caller.get(path).await, path, 401);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_key_is_taken_as_basic_as_bearer_and_as_parameter() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let http = stack.http().anonymous();
        for path in ["/jobq/1/count", "/api/jobs/count.json?project=1"] {
            http.basic(Stack::KEY, "").get(path).await.ok();
            http.bearer(Stack::KEY).get(path).await.ok();
            let joint = if path.contains('?') { '&' } else { '?' };
            let with_key = format!("{path}{joint}apikey={}", Stack::KEY);
            http.get(&with_key).await.ok();
            let wrong = format!("{path}{joint}apikey={}", "f".repeat(32));
            assert_refused(&http.get(&wrong).await, path, 401);
        }
    })
    .await;
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

#[tokio::test]
async fn a_revoked_key_is_refused_and_the_owner_is_named_while_it_is_good() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let key = stack.create_key("ann", Role::User, &[1]).await;
        let http = stack.http().basic(&key, "");
        http.post("/jobq/1/push", r#"{"spider":"s"}"#).await.ok();
        let by = http.get("/jobs/1/1/1/scheduled_by").await.ok();
        assert_eq!(by.json(), "ann");

        let mut keys = stack.grpc().keys();
        let list = keys.list_keys(spiderq_proto::v1::ListKeysRequest {}).await;
        let list = list.unwrap().into_inner().keys;
        let id = list.into_iter().find(|known| known.name == "ann").unwrap().id;
        let revoke = spiderq_proto::v1::RevokeKeyRequest { id };
        keys.revoke_key(revoke).await.unwrap();
        let refused = http.get("/jobq/1/count").await;
        assert_refused(&refused, "/jobq", 401);
    })
    .await;
}

#[tokio::test]
async fn who_may_not_update_at_all_is_told_so_by_the_status() {
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
async fn who_gives_no_key_is_told_nothing_else() {
    let stack = Stack::start(spiderq_tests::StoreKind::Sqlite).await;
    let http = stack.http().anonymous();
    for path in ["/jobq/x/count", "/jobq/1/list?state=zz", "/api/jobs/list.json?project=x"] {
        assert_refused(&http.get(path).await, path, 401);
    }
    for path in ["/jobq/1/startjob", "/jobq/1/update", "/jobs/1/1/1"] {
        assert_refused(&http.post(path, "not json").await, path, 401);
    }
    let form = [("project", "x")];
    assert_refused(&http.form("/api/run.json", &form).await, "/api/run.json", 401);
}

#[tokio::test]
async fn a_key_in_a_form_is_a_credential_and_no_argument() {
    let stack = Stack::start(spiderq_tests::StoreKind::Sqlite).await;
    let form = [("project", "1"), ("spider", "s"), ("apikey", Stack::KEY)];
    stack.http().anonymous().form("/api/run.json", &form).await.ok();
    let job = stack.http().get("/jobs/1/1/1").await.ok();
    assert!(!job.text().contains(Stack::KEY), "{job}");
}
