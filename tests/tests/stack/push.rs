//! Pushing jobs: lines that are refused beside good ones, and `unique` values.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use futures::future::join_all;
use http::Method;
use serde_json::{Value, json};
use spiderq_tests::{Http, Stack, StoreKind};

use crate::{hostile_texts::hostile_texts, on_each_store};

#[tokio::test]
async fn a_bad_line_of_a_push_does_not_stop_the_others() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let lines =
            "{\"spider\":\"a\"}\nno json\n{\"spider\":\"b\",\"units\":9}\n{\"spider\":\"c\"}";
        let answer = stack.http().post("/jobq/1/push", lines).await.ok();
        let keys = answer.column("key");
        assert_eq!(keys, [Value::from("1/1/1"), Value::Null, Value::Null, "1/2/1".into()]);
        let requests = answer.column("request");
        assert_eq!(requests[1], "no json");
        assert_eq!(requests[2], serde_json::json!({"spider": "b", "units": 9}));
        let count = stack.http().get("/jobq/1/count?state=pending").await.ok();
        assert_eq!(count.json(), 2);
    })
    .await;
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn all_members_of_a_gzip_body_are_pushed_or_none() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    let http = stack.http();
    let push = async |body: Vec<u8>| {
        let headers = [("content-encoding", "gzip")];
        http.send(Method::POST, "/jobq/1/push", &headers, body).await
    };
    let members = [gzip("{\"spider\":\"a\"}\n"), gzip("{\"spider\":\"b\"}\n")].concat();
    let pushed = push(members.clone()).await.ok();
    assert_eq!(pushed.column("key"), ["1/1/1", "1/2/1"]);
    let cut = members[..members.len() - 1].to_vec();
    let followed = [&members[..], b"{\"spider\":\"c\"}"].concat();
    for body in [cut, followed] {
        let refused = push(body).await;
        let message = "body: could not be read or decompressed";
        let expected = json!({"error": "Bad Request", "message": message});
        assert_eq!((refused.status, refused.json()), (400, expected));
    }
    let count = http.get("/jobq/1/count?state=pending").await.ok();
    assert_eq!(count.json(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_sixty_four_pushes_of_a_unique_value_wins() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let http = stack.http();
        let line = json!({"spider": "s", "unique": "only one"});
        let pushes = (0..64).map(|_| {
            let (http, line) = (http.clone(), line.to_string());
            tokio::spawn(async move { http.post("/jobq/1/push", line).await.ok().lines() })
        });
        let mut answers = Vec::new();
        for answer in join_all(pushes).await {
            answers.extend(answer.unwrap());
        }
        let refused = json!({
            "error": "Active job exists with key only one",
            "request": line,
        });
        let (losers, winners): (Vec<_>, Vec<_>) =
            answers.into_iter().partition(|answer| *answer == refused);
        assert_eq!(losers.len(), 63);
        assert_eq!(winners, [json!({"key": "1/1/1", "auth": null})]);
        let count = http.get("/jobq/1/count?state=pending").await.ok();
        assert_eq!(count.json(), 1);
    })
    .await;
}

async fn push_one(http: &Http, line: Value) -> Value {
    http.post("/jobq/1/push", line.to_string()).await.ok().json()
}

#[tokio::test]
async fn unique_values_of_any_text_stay_distinct() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let http = stack.http();
        let texts = hostile_texts().into_iter().filter(|text| !text.is_empty());
        let (good, bad): (Vec<String>, Vec<String>) = texts.partition(|text| text.len() <= 1024);
        for unique in &bad {
            let line = push_one(&http, json!({"spider": "s", "unique": unique})).await;
            assert_eq!(line["error"], "unique: must be 1 to 1024 bytes of text");
        }
        for project in [1, 2] {
            let path = format!("/jobq/{project}/push");
            for unique in &good {
                let line = json!({"spider": "s", "unique": unique});
                let first = http.post(&path, line.to_string()).await.ok().json();
                assert!(first["key"].is_string(), "{first}");
                let second = http.post(&path, line.to_string()).await.ok().json();
                let error = format!("Active job exists with key {unique}");
                assert_eq!(second, json!({"error": error, "request": line}));
            }
        }
    })
    .await;
}
