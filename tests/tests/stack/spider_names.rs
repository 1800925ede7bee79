//! Names of spiders: any text that is accepted names a spider of its own, in each project, over
//! HTTP and gRPC.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use spiderq_proto::v1::{
    JobFilter, JobUpdate, ListJobsRequest, NewJob, PushJobsRequest, StartJobRequest, TagChanges,
    UpdateQueueRequest,
};
use spiderq_tests::{
    Grpc, Http, Stack, by_name, item_error, item_fields, job_of, pushed_key, update_of,
};
use tonic::Code;

use crate::{
    hostile_texts::{accepted, encoded, hostile_texts},
    on_each_store,
};

const SPIDER: &str =
    "spider: must be a spider's name: 1 to 255 bytes of text without control characters";
const TAGS: &str = "tags: each must be 1 to 128 bytes of text without control characters";

/// Pushes a job for each line into `project`; the lines of the response.
async fn push(http: &Http, project: u32, lines: impl Iterator<Item = Value>) -> Vec<Value> {
    let lines: String = lines.map(|line| format!("{line}\n")).collect();
    http.post(&format!("/jobq/{project}/push"), lines).await.ok().lines()
}

/// The field `n` of each row of a list.
async fn found(http: &Http, path: &str) -> Vec<Value> {
    http.get(&format!("{path}&state=pending&jobmeta=n")).await.ok().column("n")
}

#[tokio::test]
async fn spiders_with_difficult_names_stay_distinct() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let http = stack.http();
        let (good, bad): (Vec<String>, Vec<String>) = hostile_texts()
            .into_iter()
            .partition(|text| accepted(text, 255) && !text.trim().is_empty());
        let refused = push(&http, 1, bad.iter().map(|name| json!({"spider": name}))).await;
        for line in refused {
            assert_eq!(line["error"], SPIDER, "{line:.200}");
        }
        for name in bad.iter().filter(|name| name.len() < 8_000) {
            let path = format!("/jobq/1/count?spider={}", encoded(name));
            assert_eq!(http.get(&path).await.json()["message"], SPIDER, "{name:?}");
        }
        for project in [1, 2] {
            let line = |name| json!({"spider": name, "n": format!("{project} {name}")});
            let keys = push(&http, project, good.iter().map(line)).await;
            let keys: BTreeSet<&str> =
                keys.iter().map(|line| line["key"].as_str().unwrap()).collect();
            assert_eq!(keys.len(), good.len());
        }
        for name in &good {
            for project in [1, 2] {
                let query = format!("/jobq/{project}/list?spider={}", encoded(name));
                assert_eq!(found(&http, &query).await, [format!("{project} {name}")]);
                let dash =
                    format!("/api/jobs/list.json?project={project}&spider={}", encoded(name));
                let dash = http.get(&dash).await.ok().json();
                assert_eq!(dash["total"], 1);
                assert_eq!(dash["jobs"][0]["spider"], name.as_str());
            }
            let taken = json!({"spider": name}).to_string();
            let taken = http.post("/jobq/1/startjob", taken).await.ok().json();
            assert_eq!(
                (&taken["spider"], &taken["n"]),
                (&json!(name), &json!(format!("1 {name}")))
            );
        }
        let left = http.get("/jobq/2/count?state=pending").await.ok().json();
        assert_eq!(left, good.len());
    })
    .await;
}

/// Pushes a job of each text as spider and as tag; the keys of those that were taken.
async fn push_over_grpc(grpc: &Grpc, texts: &[String]) -> BTreeMap<String, String> {
    let job = |text: &String| NewJob { tags: vec![text.clone()], ..job_of(text) };
    let request = PushJobsRequest {
        project: 1,
        jobs: texts.iter().map(job).collect(),
        ..PushJobsRequest::default()
    };
    let pushed = grpc.queue().push_jobs(request).await.unwrap().into_inner();
    let mut keys = BTreeMap::new();
    for (index, (text, pushed)) in texts.iter().zip(pushed.results).enumerate() {
        match pushed_key(pushed) {
            Ok(key) => {
                assert!(accepted(text, 128) && !text.trim().is_empty(), "{text:?}");
                keys.insert(text.clone(), key);
            }
            Err(error) => {
                let (code, reason, message) = item_error(&error);
                assert_eq!((code, reason.as_str()), (Code::InvalidArgument, "INVALID_FIELD"));
                assert!([SPIDER, TAGS].contains(&message.as_str()), "{message}");
                let paths = ["spider.name", "tags[0]"].map(|path| format!("jobs[{index}].{path}"));
                let fields = item_fields(&error);
                assert!(!fields.is_empty());
                assert!(fields.iter().all(|field| paths.contains(field)), "{fields:?}");
            }
        }
    }
    keys
}

async fn assert_found(grpc: &Grpc, text: &str, key: &str, filter: JobFilter) {
    let request =
        ListJobsRequest { project: 1, filter: Some(filter), ..ListJobsRequest::default() };
    let jobs = grpc.jobs().list_jobs(request).await.unwrap().into_inner().jobs;
    let found = jobs.iter().map(|job| (job.key.as_str(), job.spider_name.as_str(), &job.tags[..]));
    let expected = [(key, text, &[text.to_owned()][..])];
    assert_eq!(found.collect::<Vec<_>>(), expected);
}

async fn remove_tag(grpc: &Grpc, key: &str, tag: &str) {
    let change = JobUpdate {
        tag_changes: Some(TagChanges { remove: vec![tag.to_owned()], ..TagChanges::default() }),
        ..update_of(key)
    };
    let request = UpdateQueueRequest { updates: vec![change], ..UpdateQueueRequest::default() };
    grpc.queue().update_queue(request).await.unwrap();
}

/// Over gRPC the same texts are taken and refused, and found.
#[tokio::test]
async fn difficult_spider_names_and_tags_work_over_grpc() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let grpc = stack.grpc();
        for (text, key) in &push_over_grpc(&grpc, &hostile_texts()).await {
            let by_spider = JobFilter { spiders: vec![by_name(text)], ..JobFilter::default() };
            assert_found(&grpc, text, key, by_spider).await;
            let by_tag = JobFilter { has_tags: vec![text.clone()], ..JobFilter::default() };
            assert_found(&grpc, text, key, by_tag).await;
            remove_tag(&grpc, key, text).await;
            let start = StartJobRequest {
                project: 1,
                spiders: vec![by_name(text)],
                ..StartJobRequest::default()
            };
            let started = grpc.queue().start_job(start).await.unwrap().into_inner().job.unwrap();
            assert_eq!((&started.key, started.tags.len()), (key, 0));
        }
    })
    .await;
}
