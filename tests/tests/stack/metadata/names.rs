//! Names of metadata fields: any text that is accepted names a field of its own.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};
use spiderq_proto::v1::{GetJobRequest, SetJobMetadataRequest};
use spiderq_tests::{Http, Stack};
use tonic::Code;

use crate::{
    hostile_texts::{accepted, encoded, hostile_texts, in_path},
    on_each_store,
};

const FIELD: &str =
    "metadata: names of fields must be 1 to 128 bytes of text without control characters";

async fn push(http: &Http, line: Value) -> Value {
    http.post("/jobq/1/push", line.to_string()).await.ok().json()
}

/// Names of fields whose values the service itself reads.
fn is_known(name: &str) -> bool {
    ["tags", "units"].contains(&name)
}

/// Refused in an object and in a path, where a path can hold it.
async fn assert_name_refused(http: &Http, name: &str) {
    let object = json!({name: 1, "n": 1}).to_string();
    let mut refused = vec![http.post("/jobs/1/1/1", object).await];
    if !name.is_empty() && name.len() < 2_000 {
        let path = format!("/jobs/1/1/1/{}", in_path(name));
        refused.push(http.post(&path, "1").await);
    }
    for answer in refused {
        assert_eq!((answer.status, &answer.json()["message"]), (400, &json!(FIELD)));
    }
}

/// Asserts that the job `key` has each of the fields, in each way to read them.
async fn assert_kept(http: &Http, key: &str, fields: &serde_json::Map<String, Value>) {
    let whole = http.get(&format!("/jobs/{key}")).await.ok().json();
    for (name, value) in fields {
        assert_eq!(whole[name], *value, "{name:?}");
        let one = http.get(&format!("/jobs/{key}/{}", in_path(name))).await.ok();
        assert_eq!(one.json(), *value, "{name:?}");
        let row = format!("/jobq/1/list?key={key}&jobmeta={}", encoded(name));
        let row = http.get(&row).await.ok().json();
        assert_eq!(row[name], *value, "{name:?}");
    }
}

#[tokio::test]
async fn fields_with_difficult_names_stay_distinct() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let http = stack.http();
        for _ in 0..2 {
            push(&http, json!({"spider": "s"})).await;
        }
        let before = http.get("/jobs/1/1/1").await.ok().json();
        let texts = hostile_texts().into_iter().filter(|text| !is_known(text));
        let (good, bad): (Vec<String>, Vec<String>) = texts.partition(|text| accepted(text, 128));
        for name in &bad {
            assert_name_refused(&http, name).await;
        }
        for (n, name) in good.iter().enumerate() {
            http.post(&format!("/jobs/1/1/1/{}", in_path(name)), n.to_string()).await.ok();
        }
        let all: serde_json::Map<String, Value> =
            good.iter().zip(0..).map(|(name, n)| (name.clone(), json!(n))).collect();
        http.post("/jobs/1/1/2", Value::from(all.clone()).to_string()).await.ok();
        for key in ["1/1/1", "1/1/2"] {
            assert_kept(&http, key, &all).await;
        }
        for (n, name) in good.iter().enumerate() {
            let path = format!("/jobs/1/1/1/{}", in_path(name));
            http.send(Method::DELETE, &path, &[], "").await.ok();
            assert_eq!(http.get(&path).await.ok().json(), Value::Null, "{name:?}");
            let left = http.get("/jobs/1/1/1").await.ok().json();
            let fields = before.as_object().unwrap().len() + good.len() - n - 1;
            assert_eq!(left.as_object().unwrap().len(), fields, "{name:?}");
        }
        assert_eq!(http.get("/jobs/1/1/1").await.ok().json(), before);
    })
    .await;
}

#[tokio::test]
async fn fields_with_difficult_names_work_over_grpc() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        push(&stack.http(), json!({"spider": "s"})).await;
        let mut jobs = stack.grpc().jobs();
        let set = |name: &str, json: &str| SetJobMetadataRequest {
            key: "1/1/1".to_owned(),
            metadata_json: [(name.to_owned(), json.to_owned())].into(),
            ..SetJobMetadataRequest::default()
        };
        let mut expected = BTreeMap::new();
        for (n, name) in hostile_texts().iter().filter(|text| !is_known(text)).enumerate() {
            let done = jobs.set_job_metadata(set(name, &n.to_string())).await;
            if accepted(name, 128) {
                done.unwrap();
                expected.insert(name.clone(), n.to_string());
                continue;
            }
            let status = done.unwrap_err();
            assert_eq!((status.code(), status.message()), (Code::InvalidArgument, FIELD));
        }
        let get = GetJobRequest { key: "1/1/1".to_owned() };
        let job = jobs.get_job(get).await.unwrap().into_inner().job.unwrap();
        assert_eq!(job.metadata_json, expected);
    })
    .await;
}
