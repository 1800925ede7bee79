//! Texts that break things where they are not kept apart (`hostile_names.rs` has them): as
//! spiders asked for by name, as their tags, and as project settings.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};
use spiderq_tests::Stack;

use crate::{
    hostile_names::{accepted, encoded, hostile_texts, in_path},
    on_each_store,
};

#[tokio::test]
async fn spiders_of_any_name_have_numbers_of_their_own() {
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

#[tokio::test]
async fn tags_of_a_spider_may_be_any_text() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let http = stack.http();
        let spider = "/api/v2/projects/1/spiders/1";
        http.get("/ids/1/spider/s?create=1").await.ok();
        let patch = async |body: Value| {
            let path = format!("{spider}/tags");
            http.send(Method::PATCH, &path, &[], body.to_string()).await
        };
        for tag in hostile_texts() {
            let answer = patch(json!({"add": [&tag]})).await;
            if !accepted(&tag, 128) {
                assert_eq!(answer.status, 400, "{tag:.50?}");
                continue;
            }
            assert_eq!(answer.ok().json()["tags"], json!([&tag]));
            let form = [("project", "1"), ("spider", "s"), ("n", &tag)];
            let run = http.form("/api/run.json", &form).await.ok().json();
            let job = run["jobid"].as_str().unwrap().to_owned();
            let tags = http.get(&format!("/jobs/{job}/tags")).await.ok();
            assert_eq!(tags.json(), json!([&tag]));
            assert_eq!(patch(json!({"remove": [&tag]})).await.ok().json()["tags"], json!([]));
        }
    })
    .await;
}

#[tokio::test]
async fn settings_of_any_name_stay_apart() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let http = stack.http();
        let (good, bad): (Vec<String>, Vec<String>) =
            hostile_texts().into_iter().partition(|text| accepted(text, 128));
        for name in &bad {
            let refused = http.post("/projects/1/settings", json!({name: 1}).to_string()).await;
            assert_eq!(refused.status, 400, "{name:.50?}");
        }
        for (n, name) in good.iter().enumerate() {
            for project in [1, 2] {
                let path = format!("/projects/{project}/settings/{}", in_path(name));
                http.post(&path, json!([project, n]).to_string()).await.ok();
            }
        }
        for project in [1, 2] {
            let settings = format!("/projects/{project}/settings");
            let all: serde_json::Map<String, Value> = good
                .iter()
                .enumerate()
                .map(|(n, name)| (name.clone(), json!([project, n])))
                .collect();
            assert_eq!(http.get(&settings).await.ok().json(), Value::from(all.clone()));
            for (name, value) in &all {
                let path = format!("{settings}/{}", in_path(name));
                assert_eq!(http.get(&path).await.ok().json(), *value, "{name:?}");
            }
        }
        for name in &good {
            let path = format!("/projects/1/settings/{}", in_path(name));
            http.send(Method::DELETE, &path, &[], "").await.ok();
            assert_eq!(http.get(&path).await.ok().json(), Value::Null, "{name:?}");
        }
        assert_eq!(http.get("/projects/1/settings").await.ok().json(), json!({}));
        let other = http.get("/projects/2/settings").await.ok().json();
        assert_eq!(other.as_object().unwrap().len(), good.len());
    })
    .await;
}
