//! Projects, spiders, settings and summaries over HTTP: whole answers, on both stores.

use http::Method;
use serde_json::{Value, json};
use spiderq_proto::v1::Role;
use spiderq_tests::{Answer, Http, Stack};

use crate::on_each_store;

const NOW: u64 = 1_566_311_800_654;

async fn push(http: &Http, project: u64, lines: &[Value]) {
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    let path = format!("/jobq/{project}/push");
    let pushed = http.post(&path, lines.join("\n")).await.ok();
    assert!(pushed.column("key").iter().all(Value::is_string), "{pushed}");
}

async fn patch(http: &Http, path: &str, body: &Value) -> Answer {
    http.send(Method::PATCH, path, &[], body.to_string()).await
}

#[tokio::test]
async fn projects_are_those_that_exist_and_that_the_key_reaches() {
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
        let expected = json!({"username": "reader", "role": "read", "projects": [8, 70, 1]});
        assert_eq!(me, expected);
        let me = http.get("/api/v2/users/me").await.ok().json();
        assert_eq!(me, json!({"username": "admin", "role": "admin", "projects": null}));
    })
    .await;
}

#[tokio::test]
async fn running_units_follow_the_jobs() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let http = stack.http();
        let summary = async || http.get("/projects/7/jobsummary").await.ok().json();
        let expected = |pending: u32, running: u32, finished: u32, units: u32| {
            json!({
                "project": 7, "pending": pending, "running": running, "finished": finished,
                "has_capacity": true, "running_units_count": units, "pending_units_max": null,
            })
        };
        assert_eq!(summary().await, expected(0, 0, 0, 0));
        push(&http, 7, &[json!({"spider": "s", "units": 4}), json!({"spider": "s", "units": 2})])
            .await;
        http.post("/jobq/7/startjob", "{}").await.ok();
        assert_eq!(summary().await, expected(1, 1, 0, 4));
        http.post("/jobs/7/1/1/units", "6").await.ok();
        assert_eq!(summary().await, expected(1, 1, 0, 6));
        let lines = r#"{"key":"7/1/1","state":"finished"}"#;
        http.post("/jobq/7/update", lines).await.ok();
        assert_eq!(summary().await, expected(1, 0, 1, 0));
    })
    .await;
}

#[tokio::test]
async fn spiders_are_numbered_listed_and_tagged() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let http = stack.http();
        push(&http, 7, &[json!({"spider": "a/b", "version": "v1"}), json!({"spider": "py:x"})])
            .await;
        assert_eq!(http.get("/ids/7/spider/a%2Fb").await.ok().json(), 1);
        assert_eq!(http.get("/ids/7/spider/py:x").await.ok().json(), 2);
        assert_eq!(http.get("/ids/7/spider/new").await.ok().json(), json!(null));
        assert_eq!(http.get("/ids/7/spider/new?create=1").await.ok().json(), 3);
        let tags = json!({"add": ["t", "u"]});
        let changed = patch(&http, "/api/v2/projects/7/spiders/1/tags", &tags);
        let whole = json!({
            "name": "a/b", "jobq_id": 1, "tags": ["t", "u"], "type": "manual", "version": "v1",
            "max_running": null, "project": {"id": 7},
        });
        assert_eq!(changed.await.ok().json(), whole);
        let read = http.get("/api/v2/projects/7/spiders/1").await.ok();
        assert_eq!(read.json(), whole);
        let spiders = json!([
            {"id": "a/b", "tags": ["t", "u"], "type": "manual", "version": "v1"},
            {"id": "py:x", "tags": [], "type": "script", "version": null},
            {"id": "new", "tags": [], "type": "manual", "version": null},
        ]);
        let list = http.get("/api/spiders/list.json?project=7").await.ok().json();
        assert_eq!(list, json!({"status": "ok", "spiders": spiders}));
        let one = http.get("/api/spiders/list.json?project=7&spider=py:x").await.ok();
        assert_eq!(one.json(), json!({"status": "ok", "spiders": [spiders[1]]}));
    })
    .await;
}

#[tokio::test]
async fn tags_of_a_spider_go_before_those_of_a_scheduled_job() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let http = stack.http();
        push(&http, 7, &[json!({"spider": "a/b"})]).await;
        let tags = json!({"add": ["t", "u"]});
        let path = "/api/v2/projects/7/spiders/1/tags";
        patch(&http, path, &tags).await.ok();
        let form = [("project", "7"), ("spider", "a/b"), ("add_tag", "z"), ("add_tag", "t")];
        http.form("/api/run.json", &form).await.ok();
        let tags = http.get("/jobs/7/1/2/tags").await.ok().json();
        assert_eq!(tags, json!(["t", "u", "z"]));
        let form = [("project", "7"), ("jobq_id", "1"), ("x", "1"), ("meta", r#"{"tags":["m"]}"#)];
        http.form("/api/run.json", &form).await.ok();
        let tags = http.get("/jobs/7/1/3/tags").await.ok().json();
        assert_eq!(tags, json!(["t", "u", "m"]));
        push(&http, 7, &[json!({"spider": "a/b"})]).await;
        assert_eq!(http.get("/jobs/7/1/4/tags").await.ok().json(), json!([]));
    })
    .await;
}

#[tokio::test]
async fn a_spider_that_cannot_be_tagged_is_left_alone() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let http = stack.http();
        push(&http, 7, &[json!({"spider": "s"})]).await;
        let path = "/api/v2/projects/7/spiders/1/tags";
        let many: Vec<String> = (0..64).map(|number| number.to_string()).collect();
        patch(&http, path, &json!({"add": many})).await.ok();
        let refused = |message: &str| json!({"status": "badrequest", "message": message});
        let bad = "add: each must be 1 to 128 bytes of text without control characters";
        for (path, body, status, answer) in [
            (path, json!({"add": ["x"]}), 400, refused("add: a spider may have at most 64 tags")),
            (path, json!({"add": ["x".repeat(129)]}), 400, refused(bad)),
            (
                path,
                json!({"add": [], "remove": []}),
                400,
                json!({"non_field_errors": ["add or remove: at least one tag is required"]}),
            ),
            (
                "/api/v2/projects/7/spiders/2/tags",
                json!({"add": ["x"]}),
                404,
                json!({"status": "error", "message": "there is no spider 7/2"}),
            ),
        ] {
            let told = patch(&http, path, &body).await;
            assert_eq!((told.status, told.json()), (status, answer));
        }
        let spider = http.get("/api/v2/projects/7/spiders/1").await.ok().json();
        assert_eq!(spider["tags"], json!(many));
        // Its own tags leave no room for another on a job.
        let form = [("project", "7"), ("spider", "s"), ("n", "1"), ("add_tag", "x")];
        let full = http.form("/api/run.json", &form).await;
        let message = refused("add_tag: a job may have at most 64");
        assert_eq!((full.status, full.json()), (400, message));
    })
    .await;
}

#[tokio::test]
async fn settings_keep_their_bytes() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let http = stack.http();
        let body = r#"{"a":1566311822568.0,"b/c":{"z":[ ],"a":"\u00e9"}}"#;
        assert_eq!(http.post("/projects/7/settings", body).await.ok().text(), "");
        let field = http.post("/projects/7/settings/n", "18446744073709551616").await;
        assert_eq!(field.ok().text(), "");
        let whole = http.get("/projects/7/settings").await.ok();
        let expected =
            r#"{"a":1566311822568.0,"b/c":{"z":[ ],"a":"\u00e9"},"n":18446744073709551616}"#;
        assert_eq!(whole.text(), expected);
        assert_eq!(whole.header("content-type"), "application/json");
        let one = http.get("/projects/7/settings/b/c").await.ok();
        assert_eq!(one.text(), r#"{"z":[ ],"a":"\u00e9"}"#);
        let delete = async |path| http.send(Method::DELETE, path, &[], "").await.ok().text();
        assert_eq!(delete("/projects/7/settings/a").await, "");
        assert_eq!(delete("/projects/7/settings/nothing").await, "");
        assert_eq!(http.get("/projects/7/settings/a").await.ok().text(), "null");
        assert_eq!(delete("/projects/7/settings").await, "");
        assert_eq!(http.get("/projects/7/settings").await.ok().text(), "{}");
        let big = format!("\"{}\"", "x".repeat(1 << 20));
        let refused = http.post("/projects/7/settings/big", big).await;
        let message = "settings: must be at most 1 MiB";
        let expected = json!({"error": "Payload Too Large", "message": message});
        assert_eq!((refused.status, refused.json()), (413, expected));
    })
    .await;
}

#[tokio::test]
async fn summaries_show_the_latest_of_each_state() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let http = stack.http();
        for state in ["finished", "finished", "running", "pending", "deleted"] {
            push(&http, 7, &[json!({"spider": "s", "state": state})]).await;
        }
        push(&http, 7, &[json!({"spider": "t", "state": "finished"})]).await;
        stack.set_time(NOW + 11);
        let row = |key: &str, spider: &str, state: &str| {
            let mut row = json!({
                "key": key, "ts": NOW, "state": state, "elapsed": 11, "spider": spider,
            });
            row[format!("{state}_time")] = NOW.into();
            row
        };
        let pending = row("7/1/4", "s", "pending");
        let running = row("7/1/3", "s", "running");
        let finished = [
            row("7/2/1", "t", "finished"),
            row("7/1/2", "s", "finished"),
            row("7/1/1", "s", "finished"),
        ];
        let line = |name: &str, count: u32, rows: &[Value]| {
            json!({"name": name, "count": count, "summary": rows})
        };
        let all = http.get("/jobq/7/summary").await.ok().lines();
        let expected = [
            line("pending", 1, std::slice::from_ref(&pending)),
            line("running", 1, std::slice::from_ref(&running)),
            line("finished", 3, &finished),
        ];
        assert_eq!(all, expected);
        let one = http.get("/jobq/7/summary/finished?count=1&start=1").await;
        assert_eq!(one.ok().lines(), [line("finished", 3, &finished[1..2])]);
        let spider = http.get("/jobq/7/2/summary").await.ok().lines();
        let expected = [
            line("pending", 0, &[]),
            line("running", 0, &[]),
            line("finished", 1, &finished[..1]),
        ];
        assert_eq!(spider, expected);
        let unknown = http.get("/jobq/7/9/summary/pending").await.ok();
        assert_eq!(unknown.lines(), [line("pending", 0, &[])]);
        let last = http.get("/spiders/7/lastjobsummary").await.ok();
        assert_eq!(last.lines(), [finished[1].clone(), finished[0].clone()]);
        let last = http.get("/spiders/7/2/lastjobsummary").await.ok();
        assert_eq!(last.lines(), [finished[0].clone()]);
        let keys = "/jobq/7/jobsummary?key=7/1/3&key=7/9/9&key=7/1/4";
        assert_eq!(http.get(keys).await.ok().lines(), [running, pending]);
    })
    .await;
}

#[tokio::test]
async fn the_servers_time_is_nobodys_secret() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let ts = stack.http().anonymous().get("/system/ts").await.ok();
        assert_eq!((ts.json(), ts.header("content-type")), (json!(NOW), "application/json"));
    })
    .await;
}
