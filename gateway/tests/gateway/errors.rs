//! Each `Status` as code, headers and body of both families.

use std::{collections::HashMap, time::Duration};

use axum::body::Body;
use http::Request;
use spiderq_proto::v1::*;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::{
    by_name,
    fake::{Fake, Reply},
};

async fn dash(status: Status) -> Reply {
    Fake::default().responds(status).get("/api/jobs/count.json?project=1").await
}

async fn storage(status: Status) -> Reply {
    Fake::default().responds(status).get("/jobq/1/count").await
}

#[tokio::test]
async fn every_code_has_its_response() {
    for (code, http, dash_status, reason) in [
        (Code::InvalidArgument, 400, "badrequest", "Bad Request"),
        (Code::PermissionDenied, 403, "error", "Forbidden"),
        (Code::NotFound, 404, "error", "Not Found"),
        (Code::AlreadyExists, 400, "error", "Bad Request"),
        (Code::FailedPrecondition, 409, "error", "Conflict"),
        (Code::Aborted, 409, "error", "Conflict"),
        (Code::ResourceExhausted, 413, "error", "Payload Too Large"),
        (Code::DeadlineExceeded, 504, "error", "Gateway Timeout"),
        (Code::Unimplemented, 501, "error", "Not Implemented"),
    ] {
        let reply = dash(Status::new(code, "why \"x\"")).await;
        let body = format!("{{\"status\":\"{dash_status}\",\"message\":\"why \\\"x\\\"\"}}");
        assert_eq!(reply.code_and_body(), (http, body.as_str()));
        assert_eq!(reply.header("content-type"), Some("application/json"));
        let reply = storage(Status::new(code, "why")).await;
        let body = format!("{{\"error\":\"{reason}\",\"message\":\"why\"}}");
        assert_eq!(reply.code_and_body(), (http, body.as_str()));
    }
}

#[tokio::test]
async fn a_wrong_key_has_the_texts_that_clients_know() {
    let reply = dash(Status::unauthenticated("whatever")).await;
    let body = r#"{"status":"error","message":"Authentication failed"}"#;
    assert_eq!(reply.code_and_body(), (401, body));
    assert_eq!(reply.header("www-authenticate"), Some("Basic realm=\"spiderq\""));
    let reply = storage(Status::unauthenticated("whatever")).await;
    let body = r#"{"error":"Unauthorized","message":"Unauthorized"}"#;
    assert_eq!(reply.code_and_body(), (401, body));
    assert!(reply.header("www-authenticate").unwrap().starts_with("Basic"));
}

/// A browser would ask its reader for a password on behalf of a script.
#[tokio::test]
async fn only_who_is_no_script_of_a_page_is_asked_for_a_password() {
    for (mode, asks) in [
        (None, true),
        (Some("navigate"), true),
        (Some("cors"), false),
        (Some("same-origin"), false),
        (Some("no-cors"), false),
        (Some("websocket"), false),
    ] {
        // Refused by the service; by the gateway itself; on a path that is not there.
        for (method, path) in [
            ("GET", "/jobq/1/count"),
            ("POST", "/api/run.json"),
            ("DELETE", "/jobs/1/2/3"),
            ("PUT", "/jobq/1/count"),
            ("GET", "/nowhere"),
        ] {
            let mut request = Request::builder().method(method).uri(path);
            if let Some(mode) = mode {
                request = request.header("sec-fetch-mode", mode);
            }
            let fake = Fake::default().responds(Status::unauthenticated("no"));
            let reply = fake.send(request.body(Body::empty()).unwrap()).await;
            let reply = Reply::of(reply).await;
            let expected = asks.then_some("Basic realm=\"spiderq\"");
            assert_eq!(
                (reply.code.as_u16(), reply.header("www-authenticate")),
                (401, expected),
                "{mode:?} {method} {path}"
            );
        }
    }
}

#[tokio::test]
async fn an_unavailable_store_has_retry_after() {
    let reply = storage(Status::unavailable("the store is unavailable, try again")).await;
    assert_eq!((reply.code.as_u16(), reply.header("retry-after")), (503, Some("1")));
    let details = ErrorDetails::with_retry_info(Some(Duration::from_millis(2500)));
    let reply = dash(Status::with_error_details(Code::Unavailable, "later", details)).await;
    assert_eq!(reply.code_and_body(), (503, r#"{"status":"error","message":"later"}"#));
    assert_eq!(reply.header("retry-after"), Some("3"));
}

#[tokio::test]
async fn an_internal_error_does_not_show_its_message() {
    for code in [Code::Internal, Code::Unknown, Code::DataLoss, Code::Cancelled] {
        let reply = storage(Status::new(code, "secret")).await;
        let body = r#"{"error":"Internal Server Error","message":"internal error"}"#;
        assert_eq!(reply.code_and_body(), (500, body));
    }
}

#[tokio::test]
async fn a_message_over_the_limits_is_a_bad_request_that_names_a_way_out() {
    let message = "the request or its response is too large, ask for a smaller page";
    let reply = dash(Status::out_of_range("encoded message length too large")).await;
    let body = format!("{{\"status\":\"badrequest\",\"message\":\"{message}\"}}");
    assert_eq!(reply.code_and_body(), (400, body.as_str()));
    let reply = storage(Status::out_of_range("encoded message length too large")).await;
    let body = format!("{{\"error\":\"Bad Request\",\"message\":\"{message}\"}}");
    assert_eq!(reply.code_and_body(), (400, body.as_str()));
}

#[tokio::test]
async fn a_bad_field_is_named_by_its_parameter() {
    let status = |field: &str, message: &str| {
        let details = ErrorDetails::with_bad_request_violation(field, "must be good");
        Status::with_error_details(Code::InvalidArgument, message, details)
    };
    let reply = Fake::default()
        .responds(status("job.tags[0]", "tags: must be good"))
        .post("/api/run.json", "project=1&spider=s&add_tag=")
        .await;
    let body = r#"{"status":"badrequest","message":"add_tag: must be good"}"#;
    assert_eq!(reply.code_and_body(), (400, body));
    let reply = storage(status("filter.keys[3]", "keys: must be good")).await;
    let body = r#"{"error":"Bad Request","message":"key: must be good"}"#;
    assert_eq!(reply.code_and_body(), (400, body));
    let reply = storage(status("units", "units: must be good")).await;
    let body = r#"{"error":"Bad Request","message":"units: must be good"}"#;
    assert_eq!(reply.code_and_body(), (400, body));
}

#[tokio::test]
async fn a_duplicate_run_is_400_but_not_a_bad_request() {
    let fake = Fake::default().responds(Status::already_exists("s already scheduled"));
    let reply = fake.post("/api/run.json", "project=1&spider=s").await;
    let body = r#"{"status":"error","message":"s already scheduled"}"#;
    assert_eq!(reply.code_and_body(), (400, body));
    let asked = fake.request::<ScheduleJobRequest>().job.unwrap();
    assert_eq!(asked.spider, Some(by_name("s")));

    let job = HashMap::from([("key".to_owned(), "1/1/7".to_owned())]);
    let details = ErrorDetails::with_error_info("DUPLICATE", "spiderq", job);
    let status = Status::with_error_details(Code::AlreadyExists, "s already scheduled", details);
    let reply = Fake::default().responds(status).post("/api/run.json", "project=1&spider=s").await;
    let body = r#"{"status":"error","message":"s already scheduled","jobid":"1/1/7"}"#;
    assert_eq!(reply.code_and_body(), (400, body));
}

#[tokio::test]
async fn the_message_is_made_from_the_details_and_not_from_the_text() {
    for (code, http, field, body) in [
        (Code::InvalidArgument, 400, "filter.from_state_time", "startts: must be good"),
        (Code::ResourceExhausted, 413, "metadata_json", "metadata: must be good"),
        (Code::Aborted, 409, "request_id", "Idempotency-Key: must be good"),
    ] {
        let details = ErrorDetails::with_bad_request_violation(field, "must be good");
        let reply = storage(Status::with_error_details(code, "some text", details)).await;
        let body = format!("\"message\":\"{body}\"}}");
        assert_eq!(reply.code.as_u16(), http);
        assert!(reply.code_and_body().1.ends_with(&body), "{}", reply.code_and_body().1);
    }
}

#[tokio::test]
async fn a_spider_number_that_does_not_exist_is_a_bad_parameter() {
    let fake = Fake::default().responds(Status::not_found("there is no spider 1/99"));
    let reply = fake.post("/api/run.json", "project=1&jobq_id=99").await;
    let message = "jobq_id: must be the number of a spider that exists";
    let body = format!("{{\"status\":\"badrequest\",\"message\":\"{message}\"}}");
    assert_eq!(reply.code_and_body(), (400, body.as_str()));
}
