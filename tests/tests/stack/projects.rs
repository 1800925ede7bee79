//! The list of projects: those that exist and that the caller's key reaches.

use serde_json::{Value, json};
use spiderq_proto::v1::Role;
use spiderq_tests::{Http, Stack};

use crate::{helpers::NOW, on_each_store};

async fn push(http: &Http, project: u64, lines: &[Value]) {
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    let path = format!("/jobq/{project}/push");
    let pushed = http.post(&path, lines.join("\n")).await.ok();
    assert!(pushed.column("key").iter().all(Value::is_string), "{pushed}");
}

#[tokio::test]
async fn only_projects_that_exist_and_that_the_key_reaches_are_listed() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let http = stack.http();
        let list = "/api/scrapyd/listprojects.json";
        let empty = http.get(list).await.ok();
        assert_eq!(empty.json(), json!({"status": "ok", "projects": []}));
        assert_eq!(http.get("/projects/jobsummaries").await.ok().json(), json!([]));
        push(&http, 70, &[json!({"spider": "s", "state": "deleted"})]).await;
        push(&http, 7, &[json!({"spider": "s"}), json!({"spider": "s", "state": "running"})]).await;
        http.post("/projects/8/settings/a", "1").await.ok();
        http.get("/ids/9/spider/s?create=1").await.ok();
        // Reads make no project.
        http.get("/jobq/1/count").await.ok();
        http.get("/projects/2/settings").await.ok();
        let all = http.get(list).await.ok().json();
        assert_eq!(all, json!({"status": "ok", "projects": [7, 8, 9, 70]}));
        let seven = json!({
            "project": 7, "pending": 1, "running": 1, "finished": 0, "has_capacity": true,
        });
        let summaries = http.get("/projects/jobsummaries").await.ok().json();
        assert_eq!(summaries, json!([seven]));

        let key = stack.create_key("reader", Role::Read, &[8, 70, 1]).await;
        let reader = http.basic(&key, "");
        let some = reader.get(list).await.ok().json();
        assert_eq!(some, json!({"status": "ok", "projects": [8, 70]}));
        assert_eq!(reader.get("/projects/jobsummaries").await.ok().json(), json!([]));
        assert_eq!(reader.get("/projects/7/jobsummary").await.status, 403);
        let me = reader.get("/api/v2/users/me").await.ok().json();
        let expected = json!({"username": "reader", "role": "read", "projects": [1, 8, 70]});
        assert_eq!(me, expected);
        let me = http.get("/api/v2/users/me").await.ok().json();
        assert_eq!(me, json!({"username": "admin", "role": "admin", "projects": null}));
    })
    .await;
}
