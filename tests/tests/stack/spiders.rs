//! Spiders: their numbers, their lists and their default tags.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};
use spiderq_tests::{Http, Response, Stack};

use crate::{
    helpers::NOW,
    hostile_texts::{accepted, encoded, hostile_texts, in_path},
    on_each_store,
};

async fn push(http: &Http, project: u64, lines: &[Value]) {
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    let path = format!("/jobq/{project}/push");
    let pushed = http.post(&path, lines.join("\n")).await.ok();
    assert!(pushed.column("key").iter().all(Value::is_string), "{pushed}");
}

async fn patch(http: &Http, path: &str, body: &Value) -> Response {
    http.send(Method::PATCH, path, &[], body.to_string()).await
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
            "max_running": null, "project": {"id": 7, "name": "7"},
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

/// The text by which clients know it.
const NO_TAGS: &str = r#"At least one of "add" or "remove" arguments must not be empty"#;

#[tokio::test]
async fn a_refused_change_of_a_spiders_tags_changes_nothing() {
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
            (path, json!({"add": [], "remove": []}), 400, json!({"non_field_errors": [NO_TAGS]})),
            (path, json!({}), 400, json!({"non_field_errors": [NO_TAGS]})),
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
async fn every_spider_name_has_a_number_of_its_own() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let http = stack.http();
        let texts = hostile_texts().into_iter().filter(|text| !text.is_empty());
        let (good, bad): (Vec<String>, Vec<String>) =
            texts.partition(|text| accepted(text, 255) && !text.trim().is_empty());
        for name in bad.iter().filter(|name| name.len() < 2_000) {
            let path = format!("/ids/1/spider/{}?create=1", in_path(name));
            let refused = http.get(&path).await;
            assert_eq!(refused.status, 400, "{name:?}: {refused}");
            let message = refused.json()["message"].to_string();
            assert!(message.contains("1 to 255 bytes of text"), "{message}");
        }
        let mut numbers = BTreeSet::new();
        for name in &good {
            let path = format!("/ids/1/spider/{}", in_path(name));
            assert_eq!(http.get(&path).await.ok().json(), Value::Null, "{name:?}");
            let number = http.get(&format!("{path}?create=1")).await.ok().json();
            assert!(numbers.insert(number.as_u64().unwrap()), "{name:?}");
            let listed = format!("/api/spiders/list.json?project=1&spider={}", encoded(name));
            let listed = http.get(&listed).await.ok().json();
            assert_eq!(listed["spiders"][0]["id"], name.as_str());
            let whole = http.get(&format!("/api/v2/projects/1/spiders/{number}")).await.ok();
            assert_eq!(whole.json()["name"], name.as_str());
        }
        let other = http.get("/api/spiders/list.json?project=2").await.ok().json();
        assert_eq!(other["spiders"], json!([]));
    })
    .await;
}
