//! What wraps every request: unknown paths, encodings, limits, request ids, panics.

use std::{
    fmt::Write as _,
    io::{self, Read as _, Write as _},
};

use axum::body::Body;
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use futures::stream;
use http::Request;
use spiderq_core::MemoryBudget;
use spiderq_gateway::{Options, router};
use spiderq_proto::v1::*;
use tonic::Status;
use tower::ServiceExt as _;

use crate::{
    fake::{Fake, Reply},
    fields, job, keys,
};

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn an_unknown_path_is_404_in_the_form_of_its_family() {
    let fake = Fake::default();
    let reply = fake.get("/api/nothing.json").await;
    let body = r#"{"status":"error","message":"there is no such path"}"#;
    assert_eq!(reply.code_and_body(), (404, body));
    for path in ["/", "/jobq/1", "/jobq/1/nothing", "/apis", "/jobs/1/2"] {
        let reply = fake.get(path).await;
        let body = r#"{"error":"Not Found","message":"there is no such path"}"#;
        assert_eq!(reply.code_and_body(), (404, body), "{path}");
    }
}

#[tokio::test]
async fn head_works_as_get() {
    let fake = Fake::default().responds(CountJobsResponse { count: 32_110 });
    let reply = fake.with("HEAD", "/jobq/1/count/", &[], "").await;
    assert_eq!(reply.code_and_body(), (200, ""));
    assert_eq!(fake.request::<CountJobsRequest>().project, 1);
}

#[tokio::test]
async fn gzip_bodies_are_read_in_both_families() {
    let headers = [("content-encoding", "gzip")];
    let fake = Fake::default();
    let body = gzip("{\"x\":1.0}\n");
    let reply = fake.with("POST", "/jobs/1/2/3", &headers, body).await;
    assert_eq!(reply.code_and_body(), (200, ""));
    assert_eq!(fake.request::<SetJobMetadataRequest>().metadata_json, fields(&[("x", "1.0")]));
    let fake = Fake::default();
    let body = gzip("project=1&job=1/2/3");
    fake.with("POST", "/api/jobs/stop.json", &headers, body).await;
    assert_eq!(fake.request::<StopJobsRequest>().filter, keys(&["1/2/3"]));
    let reply = Fake::default().with("POST", "/jobs/1/2/3", &headers, "no gzip").await;
    let body = r#"{"error":"Bad Request","message":"body: could not be read or decompressed"}"#;
    assert_eq!(reply.code_and_body(), (400, body));
}

#[tokio::test]
async fn other_encodings_are_refused() {
    let headers = [("content-encoding", "br")];
    let reply = Fake::default().with("POST", "/jobs/1/2/3", &headers, "{}").await;
    let message = "Content-Encoding: must be gzip or identity";
    let body = format!("{{\"error\":\"Unsupported Media Type\",\"message\":\"{message}\"}}");
    assert_eq!(reply.code_and_body(), (415, body.as_str()));
    let headers = [("content-encoding", "identity")];
    let reply = Fake::default().with("POST", "/jobs/1/2/3", &headers, "{}").await;
    assert_eq!(reply.code_and_body(), (200, ""));
}

#[tokio::test]
async fn the_limit_counts_after_decompression() {
    let long = format!("\"{}\"", "x".repeat(1 << 20));
    let bomb = gzip(&long);
    assert!(bomb.len() < 1 << 13);
    let fake = Fake::default();
    let reply = fake.with("POST", "/jobs/1/2/3/x", &[("content-encoding", "gzip")], bomb).await;
    let body = r#"{"error":"Payload Too Large","message":"body: must be at most 1048576 bytes"}"#;
    assert_eq!(reply.code_and_body(), (413, body));
    let reply = fake.post("/api/run.json", &long).await;
    let body = r#"{"status":"error","message":"body: must be at most 1048576 bytes"}"#;
    assert_eq!(reply.code_and_body(), (413, body));
    assert_eq!(fake.calls(), 0);
}

#[tokio::test]
async fn a_response_is_compressed_if_the_client_accepts_it() {
    let long = format!("\"{}\"", "x".repeat(2000));
    let stored = Job { metadata_json: fields(&[("x", &long)]), ..job("1/2/3") };
    let fake = Fake::default().responds(GetJobResponse { job: Some(stored) });
    let reply = fake.with("GET", "/jobs/1/2/3/x", &[("accept-encoding", "gzip")], "").await;
    assert_eq!(reply.header("content-encoding"), Some("gzip"));
    let mut text = String::new();
    GzDecoder::new(reply.bytes.as_slice()).read_to_string(&mut text).unwrap();
    assert_eq!(text, long);
}

#[tokio::test]
async fn credentials_and_request_ids_are_passed_on() {
    let fake = Fake::default();
    let headers = [("authorization", "Basic SzpL"), ("x-request-id", "r-1")];
    let reply = fake.with("GET", "/jobq/1/count?apikey=other", &headers, "").await;
    assert_eq!(reply.header("x-request-id"), Some("r-1"));
    assert_eq!(fake.metadata().get("authorization").unwrap(), "Basic SzpL");
    assert_eq!(fake.metadata().get("x-request-id").unwrap(), "r-1");

    let reply = fake.with("GET", "/jobq/1/count", &[("x-request-id", "a b")], "").await;
    let id = reply.header("x-request-id").unwrap();
    assert_eq!(id.len(), 36);
    assert_eq!(fake.metadata().get("x-request-id").unwrap(), id);
}

#[tokio::test]
async fn a_body_that_is_not_a_form_or_not_text_is_refused() {
    let headers = [("content-type", "text/plain")];
    let reply = Fake::default().with("POST", "/api/run.json", &headers, "project=1").await;
    let body = concat!(
        r#"{"status":"badrequest","message":"body: must be application/x-www-form-urlencoded, "#,
        r#"application/json or multipart/form-data"}"#
    );
    assert_eq!(reply.code_and_body(), (400, body));
    let reply = Fake::default().with("POST", "/jobq/1/push", &[], vec![0xff]).await;
    assert_eq!(
        reply.code_and_body(),
        (400, r#"{"error":"Bad Request","message":"body: must be UTF-8"}"#)
    );
    let reply = Fake::default().get("/jobs/1/2/3/%ff").await;
    assert_eq!(
        reply.code_and_body(),
        (400, r#"{"error":"Bad Request","message":"field: must be UTF-8"}"#)
    );
}

#[tokio::test]
async fn an_api_key_that_does_not_fit_a_header_is_no_credential() {
    let fake = Fake::default();
    let mut path = String::from("/jobq/1/count?apikey=");
    write!(path, "%0A").unwrap();
    let reply = fake.get(&path).await;
    let refused = r#"{"error":"Unauthorized","message":"Unauthorized"}"#;
    assert_eq!(reply.code_and_body(), (401, refused));
}

#[tokio::test]
async fn an_unauthenticated_caller_gets_401_and_not_a_validation_error() {
    let accepted = || Ok(GetIdentityResponse::default());
    let refused = || Err(Status::unauthenticated("no"));
    // If the credentials cannot be checked, the refusal is sent as it is.
    let away = || Err(Status::unavailable("try again"));
    for (path, identity, code) in [
        ("/jobq/x/count", accepted(), 400),
        ("/jobq/x/count", refused(), 401),
        ("/jobq/x/count", away(), 400),
        ("/api/jobs/count.json?project=x", refused(), 401),
        ("/jobq/nothing/here", accepted(), 404),
        ("/jobq/nothing/here", refused(), 401),
        ("/jobq/nothing/here", away(), 404),
        ("/api/run.json", accepted(), 405),
        ("/api/run.json", refused(), 401),
        ("/jobq/1/count?spider=%FF", refused(), 401),
        ("/jobs/1/2/3/%FF", refused(), 401),
    ] {
        let reply = Fake::default().identifies(identity).get(path).await;
        assert_eq!(reply.code, code, "{path}");
    }
    // A refusal of the service is not checked again: it has authenticated the caller before.
    let fake = Fake::default().identifies(refused()).responds(Status::invalid_argument("why"));
    assert_eq!(fake.get("/jobq/1/count").await.code, 400);
}

#[tokio::test]
async fn a_panic_is_a_500_of_both_families() {
    // The fake panics when the prepared response is of another call.
    let fake = Fake::default().responds(ListJobsResponse::default());
    let reply = fake.get("/jobq/1/count").await;
    let body = r#"{"status":"error","error":"Internal Server Error","message":"internal error"}"#;
    assert_eq!(reply.code_and_body(), (500, body));
}

/// The answer to a form without credentials in its headers.
async fn keyless(budget: MemoryBudget, headers: &[(&str, &str)], form: Body) -> Reply {
    let options = Options { memory: budget, ..Options::default() };
    let mut request = Request::post("/api/jobs/stop.json")
        .header("content-type", "application/x-www-form-urlencoded");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let router = router(Fake::default().services(), options);
    Reply::of(router.oneshot(request.body(form).unwrap()).await.unwrap()).await
}

#[tokio::test]
async fn a_form_that_brings_its_key_is_small_and_not_compressed() {
    let form = |length: usize| format!("apikey=K&project=1&job=1/1/1&x={}", "x".repeat(length));
    let gzipped = ("content-encoding", "gzip");
    for (headers, body, code) in [
        (&[][..], Body::from(form(60 << 10)), 200),
        (&[], Body::from(form(64 << 10)), 401),
        // Too small for gzip to make it smaller.
        (&[gzipped], Body::from(gzip(&form(0))), 401),
        (&[gzipped], Body::from(gzip(&form(1 << 10))), 401),
        (&[("content-encoding", "identity")], Body::from(form(0)), 200),
    ] {
        assert_eq!(keyless(MemoryBudget::unlimited(), headers, body).await.code, code);
    }
    // One that finds no memory may be good.
    let budget = MemoryBudget::new(2 << 20);
    let mut others = budget.anonymous();
    others.grow(240 << 10).unwrap();
    let reply = keyless(budget, &[], Body::from(form(30 << 10))).await;
    assert_eq!((reply.code.as_u16(), reply.header("retry-after")), (429, Some("1")));
}

#[tokio::test]
async fn a_body_of_wrong_credentials_is_not_waited_for() {
    for path in ["/jobq/1/push", "/api/run.json"] {
        let fake = Fake::default().identifies(Err(Status::unauthenticated("no")));
        let endless = Body::from_stream(stream::pending::<Result<Vec<u8>, io::Error>>());
        let reply = fake.with("POST", path, &[("authorization", "Bearer K")], endless).await;
        assert_eq!(reply.code, 401, "{path}");
        assert_eq!(fake.calls(), 0);
    }
}

#[tokio::test]
async fn writes_of_other_sites_are_refused_before_anything_is_done() {
    let fake = Fake::default();
    let foreign = [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")];
    for (method, path) in
        [("POST", "/jobq/1/push"), ("GET", "/ids/1/spider/s?create=1"), ("DELETE", "/jobs/1/2/3/x")]
    {
        assert_eq!(fake.with(method, path, &foreign, "").await.code, 403, "{method} {path}");
    }
    assert_eq!(fake.calls(), 0);
    assert_eq!(fake.with("GET", "/jobq/1/count", &foreign, "").await.code, 200);
}

#[tokio::test]
async fn a_form_has_a_limited_number_of_parameters() {
    let reply = Fake::default().post("/api/run.json", &"a&".repeat(5_001)).await;
    let body = r#"{"status":"error","message":"request: must have at most 5000 parameters"}"#;
    assert_eq!(reply.code_and_body(), (413, body));
}
