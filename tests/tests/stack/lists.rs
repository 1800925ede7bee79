//! Lists: where `stop=` ends them (CONTRACT 4, list).

use serde_json::{Value, json};
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
