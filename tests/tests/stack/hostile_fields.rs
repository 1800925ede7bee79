//! Texts that break things where they are not kept apart (`hostile_names.rs` has them): as
//! names of metadata fields, arguments, unique values, request ids and job settings.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};
use spiderq_proto::v1::{
    GetJobRequest, NewJob, PushJobsRequest, Role, ScheduleJobRequest, SetJobMetadataRequest,
    pushed_job,
};
use spiderq_tests::{Grpc, Http, Stack};
use tonic::Code;

use crate::{
    hostile_names::{accepted, encoded, hostile_texts, in_path},
    on_each_store,
};

const FIELD: &str =
    "metadata: names of fields must be 1 to 128 bytes of text without control characters";

async fn push_one(http: &Http, line: Value) -> Value {
    http.post("/jobq/1/push", line.to_string()).await.ok().json()
}

/// Names that are the service's own, or whose values it reads.
fn is_known(name: &str) -> bool {
    ["tags", "units"].contains(&name)
}

/// Refused in an object and in a path, where a path can hold it.
async fn assert_refused(http: &Http, name: &str) {
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

/// The job `key` has each of the fields, and each reader sees it.
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
async fn fields_of_any_name_stay_apart() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let http = stack.http();
        for _ in 0..2 {
            push_one(&http, json!({"spider": "s"})).await;
        }
        let before = http.get("/jobs/1/1/1").await.ok().json();
        let texts = hostile_texts().into_iter().filter(|text| !is_known(text));
        let (good, bad): (Vec<String>, Vec<String>) = texts.partition(|text| accepted(text, 128));
        for name in &bad {
            assert_refused(&http, name).await;
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
async fn fields_are_the_same_over_grpc() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        push_one(&stack.http(), json!({"spider": "s"})).await;
        let mut jobs = stack.grpc().jobs();
        let set = |name: &str, json: &str| SetJobMetadataRequest {
            key: "1/1/1".to_owned(),
            metadata: [(name.to_owned(), json.to_owned())].into(),
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
        assert_eq!(job.metadata, expected);
    })
    .await;
}

/// Names and values of arguments are any text; no two sets of them are ever one.
#[tokio::test]
async fn arguments_of_any_text_stay_apart() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let http = stack.http();
        let texts: Vec<String> =
            hostile_texts().into_iter().filter(|text| text != "units").collect();
        let mut calls: Vec<(String, String)> = Vec::new();
        for text in &texts {
            calls.push((text.clone(), "v".to_owned()));
            calls.push(("n".to_owned(), text.clone()));
        }
        // Joined by any sign, these would be one.
        for (name, value) in [("a", "b=c"), ("a=b", "c"), ("a", "b&c=d"), ("a:b", ""), ("a", ":b")]
        {
            calls.push((name.to_owned(), value.to_owned()));
        }
        calls.sort();
        calls.dedup();
        for (name, value) in &calls {
            let form = [("project", "1"), ("spider", "s"), (name, value)];
            let run = http.form("/api/run.json", &form).await.ok().json();
            let key = run["jobid"].as_str().unwrap();
            let kept = http.get(&format!("/jobs/{key}/spider_args")).await.ok().json();
            assert_eq!(kept, json!({name: value}), "{key}");
            let again = http.form("/api/run.json", &form).await;
            let duplicate = json!({"status": "error", "message": "s already scheduled"});
            assert_eq!((again.status, again.json()), (400, duplicate));
        }
        let all: BTreeMap<String, String> = texts.iter().map(|t| (t.clone(), t.clone())).collect();
        let request = ScheduleJobRequest {
            project: 1,
            spider: "all".to_owned(),
            spider_args: all.clone(),
            environment: all.clone(),
            ..ScheduleJobRequest::default()
        };
        let key = stack.grpc().jobs().schedule_job(request).await.unwrap().into_inner().key;
        for field in ["spider_args", "environment"] {
            let kept = http.get(&format!("/jobs/{key}/{field}")).await.ok().json();
            assert_eq!(kept, json!(all));
        }
    })
    .await;
}

#[tokio::test]
async fn unique_values_of_any_text_stay_apart() {
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

/// Pushes under a request id; the key.
async fn under_id(grpc: &Grpc, project: i64, id: &str) -> Result<String, tonic::Status> {
    let request = PushJobsRequest {
        project,
        jobs: vec![NewJob { spider: "s".to_owned(), ..NewJob::default() }],
        request_id: id.to_owned(),
    };
    let answer = grpc.queue().push_jobs(request).await?.into_inner();
    match answer.results.into_iter().next().unwrap().result.unwrap() {
        pushed_job::Result::Key(key) => Ok(key),
        pushed_job::Result::Error(error) => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn request_ids_of_any_text_stay_apart() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let ann = Grpc::new(&stack.url, &stack.create_key("ann", Role::User, &[1, 2]).await);
        let mut jobs = 0;
        for id in hostile_texts().iter().filter(|text| !text.is_empty()) {
            if !accepted(id, 128) {
                let status = under_id(&ann, 1, id).await.unwrap_err();
                let message =
                    "request_id: must be 1 to 128 bytes of text without control characters";
                assert_eq!((status.code(), status.message()), (Code::InvalidArgument, message));
                continue;
            }
            jobs += 1;
            for caller in [&stack.grpc(), &ann] {
                for project in [1, 2] {
                    let first = under_id(caller, project, id).await.unwrap();
                    assert_eq!(under_id(caller, project, id).await.unwrap(), first, "{id:?}");
                }
            }
        }
        for project in [1, 2] {
            let path = format!("/jobq/{project}/count?state=pending");
            assert_eq!(stack.http().get(&path).await.ok().json(), jobs * 2);
        }
    })
    .await;
}

/// As JSON they are any text: kept as they were written.
#[tokio::test]
async fn settings_and_environment_of_any_text_are_kept_as_written() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let http = stack.http();
        let all: BTreeMap<String, String> =
            hostile_texts().into_iter().map(|text| (text.clone(), text)).collect();
        let escaped = r#"{ "\u00e9" : "\ud83d\ude00" , "a" : "\/" , "a" : "" }"#;
        for (n, text) in [&json!(all).to_string(), escaped, "{}", "{ }"].iter().enumerate() {
            let number = n.to_string();
            let form = [
                ("project", "1"),
                ("spider", "s"),
                ("n", number.as_str()),
                ("job_settings", text),
                ("environment", text),
            ];
            let run = http.form("/api/run.json", &form).await.ok().json();
            let key = run["jobid"].as_str().unwrap();
            for field in ["job_settings", "environment"] {
                let kept = http.get(&format!("/jobs/{key}/{field}")).await.ok();
                assert_eq!(kept.text(), **text, "{field}");
            }
        }
    })
    .await;
}
