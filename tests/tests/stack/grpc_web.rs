//! gRPC-Web: calls over HTTP/1.1 and their deadline. Watches over gRPC-Web: `watch_ends.rs`.

use bytes::Bytes;
use http::Method;
use prost::Message as _;
use spiderq_proto::v1::{CountJobsRequest, CountJobsResponse};
use spiderq_tests::{Stack, StoreKind};

use crate::grpc_limits::framed;

#[tokio::test]
async fn grpc_web_works_over_http_1() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    let message = CountJobsRequest { project: 53, filter: None }.encode_to_vec();
    let mut body = vec![0];
    body.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    body.extend(message);
    let headers = [("content-type", "application/grpc-web+proto"), ("x-grpc-web", "1")];
    let path = "/spiderq.v1.JobService/CountJobs";
    let answer = stack.http().send(Method::POST, path, &headers, body.clone()).await.ok();
    assert_eq!(answer.header("content-type"), "application/grpc-web+proto");
    let (message, trailers) = frames(&answer.body);
    let message = CountJobsResponse::decode(message).unwrap();
    assert_eq!(message.count, 0);
    assert!(trailers.contains("grpc-status:0"), "{trailers}");

    let http = stack.http().anonymous();
    let refused = http.send(Method::POST, path, &headers, body).await.ok();
    let status = refused.header("grpc-status").to_owned();
    assert!(status == "16" || refused.text().contains("grpc-status:16"));
}

/// The message and the trailers of a gRPC-Web body: frames of a flag, a length and bytes.
fn frames(body: &Bytes) -> (Bytes, String) {
    let length = |at: usize| u32::from_be_bytes(body[at + 1..at + 5].try_into().unwrap()) as usize;
    assert_eq!(body[0], 0, "a message first");
    let message = body.slice(5..5 + length(0));
    let at = 5 + message.len();
    assert_eq!(body[at], 0x80, "then trailers");
    let trailers = body.slice(at + 5..at + 5 + length(at));
    (message, String::from_utf8(trailers.to_vec()).unwrap())
}

#[tokio::test]
async fn a_deadline_is_kept_over_grpc_web() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    let headers = [("content-type", "application/grpc-web+proto"), ("grpc-timeout", "0n")];
    let path = "/spiderq.v1.JobService/CountJobs";
    let empty = framed(0, b"");
    let answer = stack.http().send(Method::POST, path, &headers, empty).await.ok();
    assert_eq!(answer.header("content-type"), "application/grpc-web+proto");
    assert_eq!(answer.header("grpc-status"), "4");
    assert_eq!(answer.text(), "");
}
