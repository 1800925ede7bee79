//! Limits of what runs at a time in a project and of a spider, over gRPC and HTTP.

use http::Method;
use serde_json::{Value, json};
use spiderq_proto::{
    FieldMask,
    v1::{
        JobState, NewJob, PushJobsRequest, ScheduleJobRequest, Spider, StartJobRequest,
        UpdateSpiderRequest,
    },
};
use spiderq_tests::{Http, Response, Stack, by_number, item_error, job_of, pushed_key, span};
use tonic::{Code, Status};
use tonic_types::{RpcStatusExt as _, StatusExt as _};

use crate::on_each_store;

async fn push(http: &Http, lines: &[Value]) -> Response {
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    http.post("/jobq/7/push", lines.join("\n")).await.ok()
}

async fn set(http: &Http, settings: &str) {
    http.post("/projects/7/settings", settings.to_owned()).await.ok();
}

/// The key of the job that starts; `null` when none may.
async fn start(http: &Http) -> Value {
    let answer = http.post("/jobq/7/startjob", "{}").await.ok();
    answer.column("key").pop().unwrap_or_default()
}

async fn finish(http: &Http, key: &Value) {
    let line = json!({"key": key, "state": "finished"});
    http.post("/jobq/7/update", line.to_string()).await.ok();
}

async fn summary(http: &Http) -> Value {
    let answer = http.get("/projects/7/jobsummary").await.ok().json();
    let names = ["running", "has_capacity", "running_units_count", "pending_units_max"];
    names.iter().map(|name| answer[name].clone()).collect()
}

#[tokio::test]
async fn starts_keep_to_a_projects_limits_and_the_summary_shows_what_is_left() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let http = stack.http();
        let job = |units: u32| json!({"spider": "s", "units": units});
        push(&http, &[job(3), job(4), job(1), job(1)]).await;
        assert_eq!(summary(&http).await, json!([0, true, 0, null]));
        set(&http, r#"{"max_running_units":6}"#).await;
        assert_eq!(summary(&http).await, json!([0, true, 0, 6]));
        let first = start(&http).await;
        assert_eq!(first, "7/1/1");
        assert_eq!(summary(&http).await, json!([1, true, 3, 3]));
        // The next has 4 units, and no smaller one goes before it.
        assert_eq!(start(&http).await, Value::Null);
        finish(&http, &first).await;
        assert_eq!(start(&http).await, "7/1/2");
        set(&http, r#"{"max_running":2}"#).await;
        assert_eq!(summary(&http).await, json!([1, true, 4, 2]));
        assert_eq!(start(&http).await, "7/1/3");
        assert_eq!(summary(&http).await, json!([2, false, 5, 0]));
        let all = http.get("/projects/jobsummaries").await.ok().json();
        let expected = json!([
            {"project": 7, "pending": 1, "running": 2, "finished": 1, "has_capacity": false},
        ]);
        assert_eq!(all, expected);
        assert_eq!(start(&http).await, Value::Null);
        // A wait is woken by a setting.
        let grpc = stack.grpc();
        let waiter = tokio::spawn(async move {
            let request =
                StartJobRequest { project: 7, wait: span(60_000), ..StartJobRequest::default() };
            grpc.queue().start_job(request).await.unwrap().into_inner()
        });
        set(&http, r#"{"max_running":null}"#).await;
        assert_eq!(waiter.await.unwrap().job.unwrap().key, "7/1/4");
        assert_eq!(summary(&http).await, json!([3, false, 6, 0]));
    })
    .await;
}

async fn limit(http: &Http, body: &Value) -> Response {
    let path = "/api/v2/projects/7/spiders/1";
    http.send(Method::PATCH, path, &[], body.to_string()).await
}

fn limit_to(spider: i64, max_running: Option<i32>) -> UpdateSpiderRequest {
    UpdateSpiderRequest {
        project: 7,
        spider: Some(by_number(spider)),
        values: Some(Spider { max_running, ..Spider::default() }),
        update_mask: Some(FieldMask { paths: vec!["max_running".to_owned()] }),
        tag_changes: None,
    }
}

#[tokio::test]
async fn jobs_of_other_spiders_start_while_one_spider_is_at_its_limit() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let http = stack.http();
        push(&http, &[json!({"spider": "a"}), json!({"spider": "a"}), json!({"spider": "b"})])
            .await;
        let whole = |most: Value| {
            json!({
                "name": "a", "jobq_id": 1, "tags": [], "type": "manual", "version": null,
                "max_running": most, "project": {"id": 7, "name": "7"},
            })
        };
        let answer = limit(&http, &json!({"max_running": 1})).await.ok();
        assert_eq!(answer.json(), whole(json!(1)));
        let read = http.get("/api/v2/projects/7/spiders/1").await.ok();
        assert_eq!(read.json(), whole(json!(1)));
        assert_eq!(start(&http).await, "7/1/1");
        assert_eq!(start(&http).await, "7/2/1");
        assert_eq!(start(&http).await, Value::Null);
        let answer = limit(&http, &json!({"max_running": null})).await.ok();
        assert_eq!(answer.json(), whole(Value::Null));
        assert_eq!(start(&http).await, "7/1/2");
        let most = Some(1_000_000);
        let limited = stack.grpc().projects().update_spider(limit_to(2, most)).await.unwrap();
        let spider = limited.into_inner().spider.unwrap();
        assert_eq!((spider.name.as_str(), spider.max_running), ("b", most));
        let missing = stack.grpc().projects().update_spider(limit_to(3, most)).await.unwrap_err();
        let told = (missing.code(), missing.message());
        assert_eq!(told, (Code::NotFound, "there is no spider 7/3"));
    })
    .await;
}

fn at_limit(status: &Status, message: &str) {
    let info = status.get_details_error_info().unwrap();
    assert_eq!(info.metadata["limit"], "max_running");
    let told = (status.code(), status.message(), info.reason.as_str());
    assert_eq!(told, (Code::FailedPrecondition, message, "AT_LIMIT"));
}

#[tokio::test]
async fn a_job_pushed_as_running_beyond_a_limit_is_refused() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let (grpc, http) = (stack.grpc(), stack.http());
        set(&http, r#"{"max_running":1}"#).await;
        let running = |spider: &str| json!({"spider": spider, "state": "running"});
        let pushed = push(&http, &[running("a"), running("a"), json!({"spider": "a"})]).await;
        let told = "the project's max_running is reached";
        assert_eq!(pushed.column("key"), [json!("7/1/1"), Value::Null, json!("7/1/2")]);
        let refused = json!({"error": told, "request": running("a")});
        assert_eq!(pushed.lines()[1], refused);

        let schedule = ScheduleJobRequest {
            project: 7,
            job: Some(NewJob { state: JobState::Running.into(), ..job_of("b") }),
            ..ScheduleJobRequest::default()
        };
        let refused = grpc.jobs().schedule_job(schedule).await.unwrap_err();
        at_limit(&refused, told);
        let form = [("project", "7"), ("spider", "b"), ("meta", r#"{"state":"running"}"#)];
        let answer = http.form("/api/run.json", &form).await;
        let expected = json!({"status": "error", "message": told});
        assert_eq!((answer.status, answer.json()), (409, expected));

        let line = r#"{"key":"7/1/2","state":"running"}"#;
        let answer = http.post("/jobq/7/update", line).await.ok();
        assert_eq!(answer.lines(), [json!({"key": "7/1/2", "error": told})]);

        set(&http, r#"{"max_running":null,"max_running_units":6}"#).await;
        let job = NewJob { state: JobState::Running.into(), units: Some(6), ..job_of("c") };
        let request = PushJobsRequest { project: 7, jobs: vec![job], ..PushJobsRequest::default() };
        let answer = grpc.queue().push_jobs(request).await.unwrap().into_inner();
        let refused = pushed_key(answer.results[0].clone()).unwrap_err();
        let told = "the project's max_running_units are reached".to_owned();
        let expected = (Code::FailedPrecondition, "AT_LIMIT".to_owned(), told);
        assert_eq!(item_error(&refused), expected);
        let info = refused.get_details_error_info().unwrap();
        assert_eq!(info.metadata["limit"], "max_running_units");
        assert_eq!(summary(&http).await, json!([1, true, 1, 5]));
    })
    .await;
}
