//! Job tokens (contract 7): what a valid one may do. Invalid ones: `job_tokens_forged.rs`.

use serde_json::json;
use spiderq_tests::{Http, Stack, StoreKind};

use crate::on_each_store;

/// Pushes two jobs as running; their tokens.
async fn two_running(http: &Http) -> [String; 2] {
    let line = r#"{"spider":"s","state":"running"}"#;
    let pushed = http.post("/jobq/1/push", format!("{line}\n{line}")).await;
    let tokens = pushed.ok().column("auth");
    [0, 1].map(|number| tokens[number].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_token_reads_and_writes_its_own_job_and_nothing_else() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let admin = stack.http();
        let [token, _] = two_running(&admin).await;
        let job = admin.basic("1/1/1", &token);
        job.post("/jobs/1/1/1", r#"{"n":1.0}"#).await.ok();
        let n = job.get("/jobs/1/1/1/n").await.ok();
        assert_eq!(n.text().trim_end(), "1.0");
        job.send(http::Method::DELETE, "/jobs/1/1/1/n", &[], "").await.ok();

        for path in
            ["/jobs/1/1/2", "/jobq/1/list", "/jobq/1/count", "/api/jobs/list.json?project=1"]
        {
            assert_eq!(job.get(path).await.status, 403, "{path}");
        }
        for (path, body) in [
            ("/jobs/1/1/2", r#"{"n":1}"#),
            ("/jobq/1/push", r#"{"spider":"s"}"#),
            ("/jobq/1/startjob", "{}"),
            ("/jobq/1/1/1/cancel", ""),
        ] {
            assert_eq!(job.post(path, body).await.status, 403, "{path}");
        }
        let other = json!({"key": "1/1/2", "state": "finished"}).to_string();
        let other = job.post("/jobq/1/update", other).await;
        assert!(other.status == 403 || other.column("error")[0].is_string(), "{other}");
        let mine = json!({"key": "1/1/1", "state": "finished"}).to_string();
        let mine = job.post("/jobq/1/update", mine).await.ok();
        assert_eq!(mine.column("prevstate"), ["running"]);
        assert_eq!(job.get("/jobs/1/1/1").await.status, 401, "it is over");
    })
    .await;
}

#[tokio::test]
async fn a_token_is_valid_only_with_its_own_job_key_as_user_name() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    let [first, second] = two_running(&stack.http()).await;
    for (user, token) in [("1/1/1", &second), ("1/1/2", &first), ("", &first)] {
        let answer = stack.http().basic(user, token).get("/jobs/1/1/1").await;
        assert_eq!(answer.status, 401, "{user}");
    }
}

#[tokio::test]
async fn a_token_is_invalid_after_its_attempt() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    let admin = stack.http();
    let [token, _] = two_running(&admin).await;
    let same = admin.get("/jobs/1/1/1/auth").await.ok();
    assert_eq!(same.json(), token.as_str());
    let delete = json!({"key": "1/1/1", "state": "deleted"}).to_string();
    admin.post("/jobq/1/update", delete).await.ok();
    let dead = admin.basic("1/1/1", &token).get("/jobs/1/1/1").await;
    assert_eq!(dead.status, 401);
    let auth = admin.get("/jobs/1/1/1/auth").await;
    assert!(auth.status >= 400 || auth.text().trim() == "null", "{auth}");
}
