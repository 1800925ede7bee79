//! What HTTP asks of every request and response, whatever its path: Host, encodings, and headers
//! that browsers obey.

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use prost::Message as _;
use spiderq_proto::v1::CountJobsRequest;
use spiderq_tests::{Raw, Stack, StoreKind};
use tonic::body::Body;

use crate::{connection_limits::http2, grpc_limits::framed};

#[tokio::test]
async fn a_request_of_http_1_1_needs_one_host() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    let message = "Host: a request needs one such header";
    for (head, status, body) in [
        (
            "GET /api/jobs/count.json HTTP/1.1\r\n",
            "400 Bad Request",
            format!(r#"{{"status":"badrequest","message":"{message}"}}"#),
        ),
        (
            "GET /healthz HTTP/1.1\r\nhost: x\r\nhost: x\r\n",
            "400 Bad Request",
            format!(r#"{{"error":"Bad Request","message":"{message}"}}"#),
        ),
        (
            "GET /healthz HTTP/1.0\r\nhost: x\r\nhost: y\r\n",
            "400 Bad Request",
            format!(r#"{{"error":"Bad Request","message":"{message}"}}"#),
        ),
        ("GET /healthz HTTP/1.0\r\n", "200 OK", r#"{"status":"ok"}"#.to_owned()),
        ("GET /healthz HTTP/1.1\r\nhost:\r\n", "200 OK", r#"{"status":"ok"}"#.to_owned()),
    ] {
        let request = format!("{head}connection: close\r\n\r\n");
        let answer = Raw::begin(&stack.url, request.as_bytes()).await.read_to_end().await;
        let answer = String::from_utf8(answer).unwrap();
        let (_, line) = answer.lines().next().unwrap().split_once(' ').unwrap();
        assert_eq!(line, status, "{head}");
        assert!(answer.ends_with(&format!("\r\n\r\n{body}")), "{answer}");
    }
}

#[tokio::test]
async fn an_accept_encoding_that_excludes_all_gets_no_encoding() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    let http = stack.http();
    let long =
        format!("{{\"spider\":\"s\",\"state\":\"finished\",\"x\":\"{}\"}}", "x".repeat(2_000));
    for (accepted, encoding) in [
        ("gzip;q=0, *;q=0", ""),
        ("identity;q=0", ""),
        ("br", ""),
        ("gzip;q=0.5, identity", ""),
        ("gzip", "gzip"),
        ("*", "gzip"),
    ] {
        let accepted = [("accept-encoding", accepted)];
        http.send(Method::POST, "/jobq/1/push", &accepted, long.clone()).await.ok();
        let answer = http.send(Method::GET, "/jobs/1/1/1", &accepted, "").await.ok();
        assert_eq!(answer.header("content-encoding"), encoding, "{accepted:?}");
    }
    assert_eq!(http.get("/jobq/1/count").await.ok().json(), 6);
}

#[tokio::test]
async fn small_responses_are_not_compressed() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    let accepted = [("accept-encoding", "gzip")];
    for path in ["/jobq/1/count", "/projects/1/settings", "/system/ts"] {
        let answer = stack.http().send(Method::GET, path, &accepted, "").await.ok();
        assert_eq!(answer.header("content-encoding"), "", "{path}");
    }
    let message = CountJobsRequest { project: 1, filter: None }.encode_to_vec();
    let request = Request::post(format!("{}/spiderq.v1.JobService/CountJobs", stack.url))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("grpc-accept-encoding", "gzip")
        .header("authorization", format!("Bearer {}", stack.key))
        .body(Body::new(Full::new(framed(0, &message))))
        .unwrap();
    let answer = http2(&stack, request).await.into_body().collect().await.unwrap();
    // No job: a message of no byte, which is not compressed.
    assert_eq!(answer.to_bytes(), framed(0, b""));
}

#[tokio::test]
async fn the_description_is_compressed_once_and_revalidated() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    let http = stack.http().anonymous();
    let plain = http.get("/openapi.json").await.ok();
    let gzip = [("accept-encoding", "gzip")];
    let packed = http.send(Method::GET, "/openapi.json", &gzip, "").await.ok();
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert_eq!(packed.header("vary"), "accept-encoding");
    let mut text = String::new();
    let mut decoder = flate2::read::GzDecoder::new(&packed.body[..]);
    std::io::Read::read_to_string(&mut decoder, &mut text).unwrap();
    assert_eq!(text, plain.text());
    let tag = packed.header("etag");
    assert_eq!(tag, plain.header("etag"));
    for more in [&gzip[..], &[]] {
        let headers = [&[("if-none-match", tag)], more].concat();
        let again = http.send(Method::GET, "/openapi.json", &headers, "").await;
        assert_eq!((again.status, again.body.clone()), (304, Bytes::new()));
        assert_eq!(again.header("content-encoding"), "");
    }
}

#[tokio::test]
async fn browsers_guess_no_type_and_keep_no_secret() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    let http = stack.http();
    http.post("/jobq/1/push", r#"{"spider":"s"}"#).await.ok();
    http.post("/jobq/1/startjob", "{}").await.ok();
    let with_key = format!("/jobq/1/count?apikey={}", stack.key);
    for (method, path, cache, status) in [
        (Method::GET, "/healthz", "", 200),
        (Method::GET, "/openapi.json", "private, no-cache", 200),
        (Method::GET, "/jobq/1/count", "", 200),
        (Method::GET, "/jobs/1/1/1", "private, no-cache", 200),
        (Method::GET, "/jobs/1/1/1/auth", "no-store", 200),
        (Method::POST, "/jobq/1/startjob", "no-store", 200),
        (Method::GET, &with_key, "no-store", 200),
        (Method::GET, "/nothing?apikey=wrong", "no-store", 404),
    ] {
        let answer = http.send(method, path, &[], "").await;
        assert_eq!(answer.status, status, "{answer}");
        assert_eq!(answer.header("cache-control"), cache, "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    }
    let refused = http.anonymous().get("/nothing?apikey=wrong").await;
    assert_eq!((refused.status, refused.header("cache-control")), (401, "no-store"));
    assert_eq!(refused.header("x-content-type-options"), "nosniff");
}
