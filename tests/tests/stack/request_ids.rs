//! Calls that are made again under their request id: done once, and answered alike for the same
//! caller only.

use http::Method;
use serde_json::json;
use spiderq_proto::v1::{
    CancelJobsRequest, CountJobsRequest, PushJobsRequest, Role, ScheduleJobRequest,
    StartJobRequest, UpdateQueueRequest, cancel_jobs_request::Selection,
};
use spiderq_tests::{
    Grpc, Http, Response, Stack, StoreKind, by_keys, job_of, pushed_key, update_of,
};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::{
    helpers::{NOW, schedule, scheduled},
    hostile_texts::{accepted, hostile_texts},
    on_each_store,
};

async fn post(http: &Http, path: &str, id: &str, body: &str) -> Response {
    let headers = [("idempotency-key", id)];
    http.send(Method::POST, path, &headers, body.to_owned()).await
}

async fn push(http: &Http, jobs: usize) {
    let lines = vec![r#"{"spider":"s"}"#; jobs].join("\n");
    http.post("/jobq/1/push", lines).await.ok();
}

#[tokio::test]
async fn two_callers_with_the_same_request_id_get_two_jobs() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let http = stack.http();
        push(&http, 2).await;
        let mut started = Vec::new();
        for name in ["ann", "bob"] {
            let key = stack.create_key(name, Role::Worker, &[1]).await;
            let worker = Http::new(&stack.url).basic(&key, "");
            for _ in 0..2 {
                let job = post(&worker, "/jobq/1/startjob", "1", "{}").await.ok();
                started.push(job.json()["key"].clone());
            }
        }
        assert_eq!(started, ["1/1/1", "1/1/1", "1/1/2", "1/1/2"]);
    })
    .await;
}

#[tokio::test]
async fn an_update_by_spider_key_with_a_request_id_is_refused() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let http = stack.http();
        push(&http, 1).await;
        let lines = "{\"key\":\"1/1/1\",\"n\":1}\n{\"key\":\"1/1\",\"n\":1}";
        let refused = post(&http, "/jobq/1/update", "u", lines).await;
        let message = "Idempotency-Key: can't go with a spider key; name the jobs";
        let expected = json!({"error": "Bad Request", "message": message});
        assert_eq!((refused.status, refused.json()), (400, expected));
        let n = http.get("/jobs/1/1/1/n").await.ok();
        assert_eq!(n.json(), json!(null));
    })
    .await;
}

/// A call over HTTP, its answer, and another body.
type Case = (&'static str, &'static str, &'static str);

const CASES: [Case; 6] = [
    ("/jobq/1/push", r#"{"spider":"p"}"#, r#"{"spider":"q"}"#),
    ("/jobq/1/startjob", r#"{"n":1}"#, r#"{"n":2}"#),
    ("/jobq/1/update", r#"{"key":"1/1/1","n":1}"#, r#"{"key":"1/1/1","n":2}"#),
    ("/jobq/1/cancel", r#"{"key":"1/1/2"}"#, r#"{"key":"1/1/3"}"#),
    ("/jobq/1/1/3/cancel", "", ""),
    ("/api/run.json", "project=1&spider=r", "project=1&spider=t"),
];

/// Of every call that takes an id, over HTTP.
#[tokio::test]
async fn another_body_under_the_same_id_is_a_conflict() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let http = stack.http();
        push(&http, 3).await;
        let form = ("content-type", "application/x-www-form-urlencoded");
        for (path, body, other) in CASES {
            let send = async |body: &str| {
                let headers = [("idempotency-key", path), form];
                let headers = &headers[..if path.starts_with("/api/") { 2 } else { 1 }];
                http.send(Method::POST, path, headers, body.to_owned()).await
            };
            let first = send(body).await.ok();
            let jobs = http.get("/jobq/1/list?state=pending&state=running").await.ok();
            assert_eq!(send(body).await.ok().text(), first.text(), "{path}");
            if !other.is_empty() {
                let refused = send(other).await;
                let message = "Idempotency-Key: was already used for another request";
                assert_eq!((refused.status, &refused.json()["message"]), (409, &json!(message)));
            }
            let after = http.get("/jobq/1/list?state=pending&state=running").await.ok();
            assert_eq!(after.column("key"), jobs.column("key"), "{path}");
        }
    })
    .await;
}

/// Calls of other kinds under the same id: another call is another request, too.
async fn others(grpc: &Grpc, request_id: &str) -> [Option<Status>; 4] {
    let push =
        PushJobsRequest { project: 1, jobs: vec![job_of("a")], request_id: request_id.to_owned() };

    let start = StartJobRequest {
        project: 1,
        request_id: request_id.to_owned(),
        ..StartJobRequest::default()
    };

    let update = UpdateQueueRequest {
        updates: vec![update_of("1/1/1")],
        request_id: request_id.to_owned(),
        ..UpdateQueueRequest::default()
    };

    let cancel = CancelJobsRequest {
        selection: by_keys(["1/1/1"]).map(Selection::Filter),
        request_id: request_id.to_owned(),
        ..CancelJobsRequest::default()
    };

    let mut queue = grpc.queue();
    [
        queue.push_jobs(push).await.err(),
        queue.start_job(start).await.err(),
        queue.update_queue(update).await.err(),
        queue.cancel_jobs(cancel).await.err(),
    ]
}

/// The same over gRPC: each call with a first request, and another one.
#[tokio::test]
async fn another_message_under_the_same_id_is_aborted() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        push(&stack.http(), 3).await;
        let grpc = stack.grpc();
        let aborted = |status: Status| {
            let reason = status.get_details_error_info().unwrap().reason;
            assert_eq!((status.code(), reason.as_str()), (Code::Aborted, "REQUEST_ID_REUSED"));
            assert_eq!(status.message(), "request_id: was already used for another request");
        };
        let request_id = "one id for all calls".to_owned();
        let schedule = |spider: &str| ScheduleJobRequest {
            project: 1,
            job: Some(job_of(spider)),
            request_id: request_id.clone(),
        };
        let first = grpc.jobs().schedule_job(schedule("a")).await.unwrap().into_inner();
        let again = grpc.jobs().schedule_job(schedule("a")).await.unwrap().into_inner();
        assert_eq!(first, again);
        aborted(grpc.jobs().schedule_job(schedule("b")).await.unwrap_err());
        for refused in others(&grpc, &request_id).await {
            aborted(refused.unwrap());
        }
        let pending = stack.http().get("/jobq/1/count?state=pending").await.ok();
        assert_eq!(pending.json(), 4);
    })
    .await;
}

/// Redis forgets by its own clock; how long it keeps it, it says.
#[tokio::test]
async fn a_request_id_is_kept_for_a_day() {
    const DAY: u64 = 24 * 3_600_000;
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let http = stack.http();
        let key = async || {
            let answer = post(&http, "/jobq/1/push", "id", r#"{"spider":"s"}"#).await.ok();
            answer.column("key").remove(0)
        };
        assert_eq!(key().await, "1/1/1");
        if kind == StoreKind::Redis {
            let kept: Vec<String> = stack.redis().command(&["KEYS", "sq:{1}:q:*"]);
            let [kept] = &kept[..] else {
                panic!("{kept:?}");
            };
            let left: u64 = stack.redis().command(&["PTTL", kept]);
            assert!((DAY - 60_000..=DAY).contains(&left), "{left}");
            return;
        }
        stack.set_time(NOW + DAY - 1);
        assert_eq!(key().await, "1/1/1");
        stack.set_time(NOW + DAY);
        assert_eq!(key().await, "1/1/2");
    })
    .await;
}

#[tokio::test]
async fn a_repeated_schedule_with_a_request_id_makes_one_job() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let grpc = stack.grpc();
        let request = ScheduleJobRequest { request_id: "once".to_owned(), ..schedule("spider") };
        for _ in 0..3 {
            assert_eq!(scheduled(&grpc, request.clone()).await.unwrap(), "53/1/1");
        }
        let other = ScheduleJobRequest { job: Some(job_of("other")), ..request };
        let refused = grpc.jobs().schedule_job(other).await.unwrap_err();
        assert_eq!(refused.code(), Code::Aborted, "{refused}");
        let count = CountJobsRequest { project: 53, filter: None };
        let count = grpc.jobs().count_jobs(count).await.unwrap().into_inner();
        assert_eq!(count.count, 1);
    })
    .await;
}

/// Pushes under a request id; the key.
async fn under_id(grpc: &Grpc, project: i64, id: &str) -> Result<String, tonic::Status> {
    let request = PushJobsRequest { project, jobs: vec![job_of("s")], request_id: id.to_owned() };
    let answer = grpc.queue().push_jobs(request).await?.into_inner();
    let pushed = answer.results.into_iter().next().unwrap();
    Ok(pushed_key(pushed).unwrap())
}

#[tokio::test]
async fn request_ids_of_any_text_stay_distinct() {
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
