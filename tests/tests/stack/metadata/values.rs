//! Metadata values come back byte for byte (contract 5): each value is written in every way, over
//! HTTP and gRPC, and read in every way.
//!
//! What may differ: a value with line breaks between its tokens loses the white space between
//! all of them, so that it fits on a line. The random values have spaces and tabs there, which
//! stay. `tags`, `spider_args` of a form and the fields that only the service sets are texts and
//! numbers, not JSON values: they come back as equal ones. `meta` of a form takes only what
//! programs can read.

use std::{cell::Cell, collections::BTreeMap};

use proptest::test_runner::{Config, TestRunner};
use serde_json::value::RawValue;
use spiderq_proto::v1::*;
use spiderq_tests::{Response, Stack, StoreKind, by_keys, by_name, job_of, update_of};

use super::json_text;
use crate::on_each_store;

/// Values under the names `v0`, `v1` ….
type Values = BTreeMap<String, String>;

fn named(values: &[String]) -> Values {
    let fields = values.iter().enumerate();
    fields.map(|(n, json)| (format!("v{n}"), json.clone())).collect()
}

/// An object of JSON lines: `more`, then `fields`.
fn object(more: &str, fields: &Values) -> String {
    let fields = fields.iter().map(|(name, json)| format!(",\"{name}\":{json}"));
    format!("{{{more}{}}}", fields.collect::<String>())
}

/// The values of an object as they stand in it.
fn raw(object: &str) -> Values {
    let fields: BTreeMap<String, &RawValue> = serde_json::from_str(object).unwrap();
    let fields = fields.into_iter();
    let fields = fields.filter(|(name, _)| name.starts_with('v') && name != "version");
    fields.map(|(name, json)| (name, json.get().to_owned())).collect()
}

/// The values of a job over gRPC.
fn of(job: Option<Job>) -> Values {
    let fields = job.unwrap().metadata_json.into_iter();
    fields.filter(|(name, _)| name.starts_with('v') && name != "version").collect()
}

/// One project, in which each writer has a job of its own.
struct Case<'a> {
    stack: &'a Stack,
    project: i64,
    fields: &'a Values,
}

impl Case<'_> {
    async fn post(&self, path: &str, body: String) -> Response {
        let path = path.replace("{P}", &self.project.to_string());
        self.stack.http().post(&path, body).await.ok()
    }

    /// A pending job without the values; its key.
    async fn bare(&self) -> String {
        let pushed = self.post("/jobq/{P}/push", r#"{"spider":"s"}"#.to_owned()).await;
        pushed.json()["key"].as_str().unwrap().to_owned()
    }

    async fn write_over_http(&self) {
        self.post("/jobq/{P}/push", object(r#""spider":"s""#, self.fields)).await;
        self.bare().await;
        let first = object(r#""spider":"s","priority":4"#, &Values::new());
        self.post("/jobq/{P}/push", first).await;
        let started = self.post("/jobq/{P}/startjob", object(r#""w":1"#, self.fields)).await;
        assert_eq!(raw(&started.text()), *self.fields, "startjob's answer");
        let key = self.bare().await;
        self.post("/jobq/{P}/update", object(&format!(r#""key":"{key}""#), self.fields)).await;
        let key = self.bare().await;
        self.post(&format!("/jobs/{key}"), object(r#""w":1"#, self.fields)).await;
        let key = self.bare().await;
        for (name, json) in self.fields {
            self.post(&format!("/jobs/{key}/{name}"), json.clone()).await;
        }
        let project = self.project.to_string();
        let meta = object(r#""w":1"#, self.fields);
        let form = [("project", project.as_str()), ("spider", "run"), ("meta", &meta)];
        let run = self.stack.http().form("/api/run.json", &form).await;
        assert_eq!(run.status, if self.is_readable() { 200 } else { 400 }, "{run}");
    }

    /// Whether all values may stand in `meta`.
    fn is_readable(&self) -> bool {
        self.fields.values().all(|json| serde_json::from_str::<serde_json::Value>(json).is_ok())
    }

    async fn write_over_grpc(&self) {
        let (mut jobs, mut queue) = (self.stack.grpc().jobs(), self.stack.grpc().queue());
        let (project, metadata_json) = (self.project, self.fields.clone());
        let push = |spider: &str, metadata_json| PushJobsRequest {
            project,
            jobs: vec![NewJob { metadata_json, ..job_of(spider) }],
            ..PushJobsRequest::default()
        };
        queue.push_jobs(push("g", metadata_json.clone())).await.unwrap();
        queue.push_jobs(push("start", Values::new())).await.unwrap();
        let start = StartJobRequest {
            project,
            spiders: vec![by_name("start")],
            metadata_json: metadata_json.clone(),
            ..StartJobRequest::default()
        };
        let started = queue.start_job(start).await.unwrap().into_inner();
        assert_eq!(of(started.job), *self.fields, "StartJob's answer");
        let schedule = ScheduleJobRequest {
            project,
            job: Some(NewJob { metadata_json: metadata_json.clone(), ..job_of("schedule") }),
            ..ScheduleJobRequest::default()
        };
        jobs.schedule_job(schedule).await.unwrap();
        let metadata_json_of = metadata_json.clone();
        let update = JobUpdate { metadata_json: metadata_json_of, ..update_of(self.bare().await) };
        let update = UpdateQueueRequest { updates: vec![update], ..UpdateQueueRequest::default() };
        queue.update_queue(update).await.unwrap();
        let edit = UpdateJobsRequest {
            filter: by_keys([self.bare().await]),
            metadata_json: metadata_json.clone(),
            ..UpdateJobsRequest::default()
        };
        jobs.update_jobs(edit).await.unwrap();
        let set = SetJobMetadataRequest {
            key: self.bare().await,
            metadata_json,
            ..SetJobMetadataRequest::default()
        };
        jobs.set_job_metadata(set).await.unwrap();
    }

    /// Asserts that each way of reading returns the values of every job.
    async fn assert_read(&self) {
        let http = self.stack.http();
        let names: Vec<&str> = self.fields.keys().map(String::as_str).collect();
        let jobmeta = names.join("&jobmeta=");
        let path =
            format!("/jobq/{}/list?state=pending&state=running&jobmeta={jobmeta}", self.project);
        let rows = http.get(&path).await.ok().text();
        let rows: BTreeMap<String, Values> =
            rows.lines().map(|row| (key_of(row), raw(row))).collect();
        let (listed, queued) = (self.listed().await, self.queued().await);
        let written: Vec<&String> =
            rows.iter().filter(|(_, row)| !row.is_empty()).map(|(key, _)| key).collect();
        assert_eq!(written.len(), if self.is_readable() { 12 } else { 11 }, "one job a writer");
        for key in written {
            assert_eq!(rows[key], *self.fields, "list?jobmeta= {key}");
            assert_eq!(listed[key], *self.fields, "ListJobs {key}");
            assert_eq!(queued[key], *self.fields, "ListQueue {key}");
            let whole = http.get(&format!("/jobs/{key}")).await.ok().text();
            assert_eq!(raw(&whole), *self.fields, "GET {key}");
            for (name, json) in self.fields {
                let one = http.get(&format!("/jobs/{key}/{name}")).await.ok().text();
                assert_eq!(one, *json, "GET {key}/{name}");
            }
            let request = GetJobRequest { key: key.clone() };
            let job = self.stack.grpc().jobs().get_job(request).await;
            assert_eq!(of(job.unwrap().into_inner().job), *self.fields, "GetJob {key}");
        }
    }

    async fn listed(&self) -> BTreeMap<String, Values> {
        let request = ListJobsRequest {
            project: self.project,
            metadata_fields: self.fields.keys().cloned().collect(),
            ..ListJobsRequest::default()
        };
        let jobs = self.stack.grpc().jobs().list_jobs(request).await.unwrap();
        let jobs = jobs.into_inner().jobs.into_iter();
        jobs.map(|job| (job.key.clone(), of(Some(job)))).collect()
    }

    async fn queued(&self) -> BTreeMap<String, Values> {
        let states = [JobState::Pending, JobState::Running].map(i32::from).to_vec();
        let request = ListQueueRequest {
            project: self.project,
            filter: Some(JobFilter { states, ..JobFilter::default() }),
            view: JobView::Full.into(),
            ..ListQueueRequest::default()
        };
        let rows = self.stack.grpc().queue().list_queue(request).await.unwrap();
        let mut rows = rows.into_inner();
        let mut found = BTreeMap::new();
        while let Some(row) = rows.message().await.unwrap() {
            let job = row.job.unwrap();
            found.insert(job.key.clone(), of(Some(job)));
        }
        found
    }
}

fn key_of(row: &str) -> String {
    let row: BTreeMap<String, &RawValue> = serde_json::from_str(row).unwrap();
    row["key"].get().trim_matches('"').to_owned()
}

async fn assert_exact(stack: &Stack, project: i64, values: &[String]) {
    let fields = &named(values);
    let case = Case { stack, project, fields };
    case.write_over_http().await;
    case.write_over_grpc().await;
    case.assert_read().await;
}

#[tokio::test]
async fn difficult_values_come_back_byte_for_byte() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let (good, bad): (Vec<String>, Vec<String>) = json_text::fixed()
            .into_iter()
            .partition(|json| serde_json::from_str::<serde_json::Value>(json).is_ok());
        assert_exact(&stack, 1, &good).await;
        assert_exact(&stack, 2, &bad).await;
    })
    .await;
}

fn any_value_comes_back(kind: StoreKind) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stack = runtime.block_on(Stack::start(kind));
    let project = Cell::new(0);
    let mut runner = TestRunner::new(Config {
        cases: 24,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..Config::default()
    });
    let outcome = runner.run(&proptest::collection::vec(json_text::any(), 1..8), |values| {
        project.set(project.get() + 1);
        runtime.block_on(assert_exact(&stack, project.get(), &values));
        Ok(())
    });
    assert!(outcome.is_ok(), "{outcome:#?}");
}

#[test]
fn any_value_comes_back_byte_for_byte_from_sqlite() {
    any_value_comes_back(StoreKind::Sqlite);
}

#[test]
fn any_value_comes_back_byte_for_byte_from_redis() {
    any_value_comes_back(StoreKind::Redis);
}
