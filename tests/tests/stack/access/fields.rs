//! Which fields of a job its worker and its own token may set: the table of `docs/access.md`, by
//! every call that writes metadata, over gRPC and HTTP, and what the next attempt runs then.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use spiderq_proto::v1::{Role, *};
use spiderq_tests::{
    Grpc, Http, Stack, by_keys, item_error, item_fields, job_of, span, update_error, update_of,
};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::table;
use crate::{
    helpers::{NOW, assert_refused, get},
    on_each_store,
    reaper::{next, watch},
};

/// What was scheduled; the values that an attacker writes are others.
fn scheduled() -> NewJob {
    let metadata = [
        ("api_url", "\"http://a/api/\""),
        ("deploy_id", "7"),
        ("job_cmd", "[\"x\"]"),
        ("job_settings", "{\"A\":1}"),
        ("note", "\"scheduled\""),
        ("spider_type", "\"manual\""),
        ("version", "\"v1\""),
    ];
    NewJob {
        cmd_args: Some("a b".to_owned()),
        environment: [("A".to_owned(), "1".to_owned())].into(),
        spider_args: [("a".to_owned(), "1".to_owned())].into(),
        metadata_json: metadata.map(|(name, json)| (name.to_owned(), json.to_owned())).into(),
        ..job_of("s")
    }
}

fn written(field: &str) -> String {
    let integer = ["deploy_id", "priority", "units"].contains(&field);
    if integer { "3" } else { r#"{"BASH_ENV":"$(id)"}"# }.to_owned()
}

/// The fields of one write, beside one that anybody may set.
fn fields(field: &str) -> BTreeMap<String, String> {
    [(field.to_owned(), written(field)), ("note".to_owned(), note(field))].into()
}

fn note(field: &str) -> String {
    format!("\"with {field}\"")
}

/// Worker and token of a job that runs.
struct World {
    stack: Stack,
    started: StartJobResponse,
    worker: (Grpc, Http),
    token: (Grpc, Http),
}

impl World {
    async fn new(stack: Stack) -> Self {
        let admin = stack.grpc();
        let jobs = vec![scheduled()];
        let push = PushJobsRequest { project: 53, jobs, ..PushJobsRequest::default() };
        admin.queue().push_jobs(push).await.unwrap();
        let key = stack.create_key("worker", Role::Worker, &[53]).await;
        let worker = (Grpc::new(&stack.url, &key), Http::new(&stack.url).bearer(&key));
        let started = start(&worker.0, BTreeMap::new()).await.unwrap();
        let token = (
            admin.with_authorization(&format!("Bearer {}", started.token)),
            stack.http().bearer(&started.token),
        );
        Self { stack, started, worker, token }
    }

    /// All ways to write a field to the running job, and what each came to.
    async fn writes(&self, field: &str) -> Vec<(String, Outcome)> {
        let mut outcomes = Vec::new();
        for (who, (grpc, http)) in [("worker", &self.worker), ("token", &self.token)] {
            for fence in [String::new(), self.started.fence.clone()] {
                let fenced = if fence.is_empty() { "" } else { ", fence" };
                for (call, outcome) in over_grpc(grpc, field, &fence).await {
                    outcomes.push((format!("{call} by {who}{fenced}"), outcome));
                }
                let outcome = over_http(http, field, &fence).await;
                for (path, outcome) in outcome {
                    outcomes.push((format!("{path} by {who}{fenced}"), outcome));
                }
            }
        }
        let update = UpdateJobsRequest {
            filter: by_keys(["53/1/1"]),
            metadata_json: fields(field),
            ..UpdateJobsRequest::default()
        };
        let updated = self.token.0.jobs().update_jobs(update).await.map(|_| ());
        outcomes.push(("UpdateJobs by token".to_owned(), of_status(updated)));
        let (text, said) = (written(field), format!("with {field}"));
        let form = [("project", "53"), ("job", "53/1/1"), (field, &text), ("note", &said)];
        let answer = self.token.1.form("/api/jobs/update.json", &form).await;
        outcomes.push(("jobs/update.json by token".to_owned(), of_http(answer.status, &answer)));
        outcomes
    }
}

async fn start(
    grpc: &Grpc,
    metadata_json: BTreeMap<String, String>,
) -> Result<StartJobResponse, Status> {
    let start = StartJobRequest {
        project: 53,
        lease: span(1_000),
        metadata_json,
        ..StartJobRequest::default()
    };
    grpc.queue().start_job(start).await.map(tonic::Response::into_inner)
}

/// Done, or code, reason and text of the refusal.
type Outcome = Result<(), (Code, String, String)>;

fn of_status(done: Result<(), Status>) -> Outcome {
    done.map_err(|status| {
        let reason = status.get_details_error_info().map(|info| info.reason);
        (status.code(), reason.unwrap_or_default(), status.message().to_owned())
    })
}

/// Over HTTP there is no reason; a code stands for the whole.
fn of_http(code: u16, answer: &spiderq_tests::Response) -> Outcome {
    match code {
        200 => Ok(()),
        403 => {
            let message = answer.json()["message"].as_str().unwrap().to_owned();
            Err((Code::PermissionDenied, "ROLE_REQUIRED".to_owned(), message))
        }
        _ => panic!("{answer}"),
    }
}

async fn over_grpc(grpc: &Grpc, field: &str, fence: &str) -> Vec<(&'static str, Outcome)> {
    let (key, fence) = ("53/1/1".to_owned(), fence.to_owned());
    let set = SetJobMetadataRequest {
        key: key.clone(),
        metadata_json: fields(field),
        fence: fence.clone(),
        ..SetJobMetadataRequest::default()
    };
    let set = grpc.jobs().set_job_metadata(set).await.map(|_| ());
    let delete = DeleteJobMetadataRequest {
        key: key.clone(),
        field: field.to_owned(),
        fence: fence.clone(),
        ..DeleteJobMetadataRequest::default()
    };
    let delete = grpc.jobs().delete_job_metadata(delete).await.map(|_| ());
    let mut update =
        JobUpdate { metadata_json: fields(field), fence: fence.clone(), ..update_of(&key) };
    let in_metadata = updated(grpc, update.clone()).await;
    let mut outcomes = vec![
        ("SetJobMetadata", of_status(set)),
        ("DeleteJobMetadata", of_status(delete)),
        ("UpdateQueue", in_metadata),
    ];
    update.metadata_json.remove(field);
    match field {
        "priority" => update.priority = Some(3),
        "units" => update.units = Some(3),
        _ => return outcomes,
    }
    outcomes.push(("UpdateQueue, the field", updated(grpc, update).await));
    outcomes
}

async fn updated(grpc: &Grpc, update: JobUpdate) -> Outcome {
    let own = update.priority.map(|_| "priority").or(update.units.map(|_| "units"));
    let named = update.metadata_json.keys().find(|name| *name != "note").cloned();
    let request = UpdateQueueRequest { updates: vec![update], ..UpdateQueueRequest::default() };
    let answer = grpc.queue().update_queue(request).await.unwrap().into_inner();
    let Some(error) = update_error(&answer.results[0]) else { return Ok(()) };
    let path = own.map(str::to_owned).or(named.map(|name| format!("metadata_json[\"{name}\"]")));
    assert_eq!(item_fields(&error), [format!("updates[0].{}", path.unwrap())]);
    Err(item_error(&error))
}

async fn over_http(http: &Http, field: &str, fence: &str) -> Vec<(&'static str, Outcome)> {
    let value: Value = serde_json::from_str(&written(field)).unwrap();
    let mut body = json!({ field: value, "note": format!("with {field}") });
    if !fence.is_empty() {
        body["fence"] = fence.into();
    }
    let set = http.post("/jobs/53/1/1", body.to_string()).await;
    body["key"] = "53/1/1".into();
    let line = http.post("/jobq/53/update", body.to_string()).await.ok();
    let line = match line.column("error")[0].as_str() {
        None => Ok(()),
        Some(error) => Err((Code::PermissionDenied, "ROLE_REQUIRED".to_owned(), error.to_owned())),
    };
    let mut outcomes = vec![("POST /jobs", of_http(set.status, &set)), ("jobq/update", line)];
    if fence.is_empty() {
        let path = format!("/jobs/53/1/1/{field}");
        let one = http.post(&path, written(field)).await;
        outcomes.push(("POST /jobs/FIELD", of_http(one.status, &one)));
        let delete = http.send(http::Method::DELETE, &path, &[], "").await;
        outcomes.push(("DELETE /jobs/FIELD", of_http(delete.status, &delete)));
    }
    outcomes
}

/// The whole metadata and the fields beside it; the note on its own.
async fn metadata(stack: &Stack) -> (BTreeMap<String, String>, Option<String>) {
    let mut job = get(&stack.grpc(), "53/1/1").await.unwrap();
    let note = job.metadata_json.remove("note");
    job.metadata_json.insert("priority".to_owned(), job.priority.to_string());
    job.metadata_json.insert("units".to_owned(), job.units.to_string());
    (job.metadata_json, note)
}

/// Every field that the runner reads must be in the table.
#[test]
fn the_table_has_all_that_the_runner_executes_by() {
    let source = include_str!("../../../../runner/src/environment.rs");
    let table: BTreeMap<String, bool> = table::fields().into_iter().collect();
    let mut read = 0;
    for call in ["raw(\"", "object(\"", "strings(\"", "value(\""] {
        for rest in source.split(call).skip(1) {
            let field = rest.split('"').next().unwrap();
            assert!(table.contains_key(field), "{field}");
            read += 1;
        }
    }
    assert!(read >= 8, "{read}");
}

#[tokio::test]
async fn workers_and_tokens_set_of_a_job_what_the_table_says() {
    on_each_store(async |kind| {
        let world = World::new(Stack::at(kind, NOW).await).await;
        let (before, _) = metadata(&world.stack).await;
        let mut wrong = Vec::new();
        for (field, is_report) in table::fields() {
            let text = format!("{field}: only keys of role user or above may set it");
            let refused = (Code::PermissionDenied, "ROLE_REQUIRED".to_owned(), text);
            let expected = if is_report { Ok(()) } else { Err(refused) };
            for (write, outcome) in world.writes(&field).await {
                if outcome != expected {
                    wrong.push(format!("{field}, {write}: {outcome:?}"));
                }
            }
            let (after, said) = metadata(&world.stack).await;
            assert_eq!(after, before, "{field}: as scheduled");
            assert_eq!(said == Some(note(&field)), is_report, "{field}: all of a write or nothing");
        }
        assert!(wrong.is_empty(), "{wrong:#?}");

        let mut events = watch(&world.stack.grpc()).await;
        world.stack.set_time(NOW + 1_000);
        next(&mut events).await;
        for (field, _) in table::fields().into_iter().filter(|(_, is_report)| !is_report) {
            let refused = start(&world.worker.0, fields(&field)).await.unwrap_err();
            assert_eq!(refused.code(), Code::PermissionDenied);
            let body = format!("{{\"{field}\":{}}}", written(&field));
            let refused = world.worker.1.post("/jobq/53/startjob", body).await;
            assert_refused(&refused, "/jobq", 403);
        }
        let again = start(&world.worker.0, fields("version")).await.unwrap().job.unwrap();
        assert_eq!((again.attempt, metadata(&world.stack).await.0), (2, before));
    })
    .await;
}
