//! A response of a service that lacks what it always has is an internal error: 500 and a log,
//! not an empty value that looks like an answer.

use std::{io, sync::Arc, sync::Mutex};

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use spiderq_proto::v1::*;

use crate::fake::Fake;

const DASH: &str = r#"{"status":"error","message":"internal error"}"#;
const STORAGE: &str = r#"{"error":"Internal Server Error","message":"internal error"}"#;
const PUSHED: PushedJob = PushedJob { result: None };

#[tokio::test]
async fn a_response_without_its_object_is_an_internal_error() {
    for (method, path, body) in [
        ("GET", "/jobs/1/2/3", ""),
        ("GET", "/jobs/1/2/3/state", ""),
        ("GET", "/projects/1/jobsummary", ""),
        ("GET", "/system/ts", ""),
        ("GET", "/ids/1/spider/name", ""),
        ("GET", "/ids/1/spider/name?create=1", ""),
        ("POST", "/api/run.json", "project=1&spider=s"),
        ("GET", "/api/v2/projects/1/spiders/2", ""),
        ("PATCH", "/api/v2/projects/1/spiders/2", r#"{"max_running":1}"#),
        ("PATCH", "/api/v2/projects/1/spiders/2/tags", r#"{"add":["a"]}"#),
    ] {
        // The fake's default response is an empty message.
        let reply = Fake::default().with(method, path, &[], body).await;
        let expected = if path.starts_with("/api/") { DASH } else { STORAGE };
        assert_eq!(reply.code_and_body(), (500, expected), "{method} {path}");
    }
}

#[tokio::test]
async fn a_push_that_lacks_a_result_is_an_internal_error() {
    for results in [vec![], vec![PUSHED]] {
        let fake = Fake::default().responds(PushJobsResponse { results });
        let reply = fake.post("/jobq/1/push", "{\"spider\":\"s\"}\n{\"spider\":\"t\"}").await;
        assert_eq!(reply.code_and_body(), (500, STORAGE));
    }
    let fake = Fake::default().responds(PushJobsResponse { results: vec![PUSHED] });
    let reply = fake.post("/jobq/1/push", "{\"spider\":\"s\"}").await;
    let line = "{\"error\":\"internal error\",\"request\":{\"spider\":\"s\"}}\n";
    assert_eq!(reply.code_and_body(), (200, line));
}

#[tokio::test]
async fn a_later_batch_that_lacks_a_result_has_the_error_in_its_lines() {
    let job = AddedJob { key: "1/1/1".to_owned(), token: String::new() };
    let pushed = PushedJob { result: Some(pushed_job::Result::Added(job)) };
    let fake = Fake::default()
        .responds(PushJobsResponse { results: vec![pushed; 1000] })
        .responds(PushJobsResponse { results: vec![] });
    let reply = fake.post("/jobq/1/push", &"{\"spider\":\"s\"}\n".repeat(1001)).await;
    let (code, body) = reply.code_and_body();
    let lines: Vec<&str> = body.lines().collect();
    assert_eq!((code, lines.len()), (200, 1001));
    assert_eq!(lines[999], r#"{"key":"1/1/1","auth":null}"#);
    assert_eq!(lines[1000], r#"{"error":"internal error","request":{"spider":"s"}}"#);
}

#[tokio::test]
async fn a_row_without_a_job_breaks_the_list_off() {
    let row = ListQueueResponse::default();
    let fake = Fake::default().responds(vec![Ok::<_, tonic::Status>(row)]);
    let request = Request::get("/jobq/1/list?apikey=K").body(Body::empty()).unwrap();
    let response = fake.send(request).await;
    assert!(response.into_body().collect().await.is_err());
}

#[tokio::test]
async fn an_internal_error_is_logged() {
    // With one dispatcher alone, tracing asks the thread that comes to a callsite first, which
    // may be another test's without a subscriber, and never asks again.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    Fake::default().get("/jobs/1/2/3").await;
    drop(guard);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("ERROR"), "{text}");
    assert!(text.contains("the response of the service has no job"), "{text}");
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
