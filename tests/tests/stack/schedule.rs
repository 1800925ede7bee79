//! Scheduling a job: state, arguments, settings, environment and tags of the new job.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};
use spiderq_proto::v1::{NewJob, ScheduleJobRequest};
use spiderq_tests::{Http, Response, Stack, job_of};

use crate::{
    helpers::{NOW, scheduled},
    hostile_texts::hostile_texts,
    on_each_store,
};

#[tokio::test]
async fn a_job_scheduled_as_running_has_times_and_actors_of_both_states() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let http = stack.http();
        let form = [("project", "1"), ("spider", "s"), ("meta", r#"{"state":"running"}"#)];
        http.form("/api/run.json", &form).await.ok();
        let job = http.get("/jobs/1/1/1").await.ok().json();
        assert_eq!(job["state"], "running");
        assert_eq!(job["pending_time"], job["running_time"]);
        assert_eq!((&job["scheduled_by"], &job["started_by"]), (&json!("admin"), &json!("admin")));
    })
    .await;
}

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
async fn a_scheduled_job_gets_its_spiders_tags_before_its_own() {
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

/// Names and values of arguments are any text; no two sets of them are ever one.
#[tokio::test]
async fn arguments_of_any_text_stay_distinct() {
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
            let message = "s already scheduled";
            let duplicate = json!({"status": "error", "message": message, "jobid": key});
            assert_eq!((again.status, again.json()), (400, duplicate));
        }
        let all: BTreeMap<String, String> = texts.iter().map(|t| (t.clone(), t.clone())).collect();
        let request = ScheduleJobRequest {
            project: 1,
            job: Some(NewJob {
                spider_args: all.clone(),
                environment: all.clone(),
                ..job_of("all")
            }),
            ..ScheduleJobRequest::default()
        };
        let key = scheduled(&stack.grpc(), request).await.unwrap();
        for field in ["spider_args", "environment"] {
            let kept = http.get(&format!("/jobs/{key}/{field}")).await.ok().json();
            assert_eq!(kept, json!(all));
        }
    })
    .await;
}

/// As JSON they are any text: kept as they were written.
#[tokio::test]
async fn job_settings_and_environment_are_kept_as_written() {
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
