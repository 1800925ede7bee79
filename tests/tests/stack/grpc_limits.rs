//! Limits of gRPC messages: size, depth and number of items.

use std::io::Write as _;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http_body_util::Full;
use spiderq_proto::v1::{GetJobRequest, SetJobMetadataRequest, UpdateJobsRequest};
use spiderq_tests::{Grpc, Program, Stack, StoreKind, by_keys, sqlite_url};
use tonic::{Code, Request, body::Body};

use crate::connection_limits::http2;

const MIB: usize = 1 << 20;

/// A message in its frame, compressed or not.
pub(crate) fn framed(compressed: u8, message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[compressed], &length[..], message].concat().into()
}

fn gzip(message: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(message).unwrap();
    encoder.finish().unwrap()
}

/// Code and message of the call's status.
async fn push(stack: &Stack, body: Bytes) -> (String, String) {
    let request = http::Request::post(format!("{}/spiderq.v1.JobQueueService/PushJobs", stack.url))
        .header("content-type", "application/grpc")
        .header("grpc-encoding", "gzip")
        .header("authorization", format!("Bearer {}", stack.key))
        .header("te", "trailers")
        .body(Body::new(Full::new(body)))
        .unwrap();
    let answer = http2(stack, request).await;
    let text = |name| answer.headers()[name].to_str().unwrap().replace("%20", " ");
    (text("grpc-status"), text("grpc-message"))
}

#[tokio::test]
async fn the_size_of_a_message_is_measured_after_decompression() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    let bomb = gzip(&vec![0; 64 * MIB]);
    assert!(bomb.len() < 128 << 10);
    let (code, message) = push(&stack, framed(1, &bomb)).await;
    assert_eq!(code, "8", "{message}");
    assert_eq!(message, "message: must not expand more than 200 times");
    let (code, message) = push(&stack, framed(0, &vec![0; 16 * MIB + 1])).await;
    assert_eq!((code.as_str(), message.as_str()), ("8", "message: must be at most 16777216 bytes"));
}

async fn set(grpc: &Grpc, value: String) -> tonic::Status {
    let request = SetJobMetadataRequest {
        key: "1/1/1".to_owned(),
        metadata_json: [("x".to_owned(), value)].into(),
        ..SetJobMetadataRequest::default()
    };
    grpc.jobs().set_job_metadata(request).await.unwrap_err()
}

#[tokio::test]
async fn nesting_and_number_of_keys_are_limited() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    let grpc = stack.grpc();
    let deep = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let refused = set(&grpc, deep(65)).await;
    let told = (refused.code(), refused.message());
    assert_eq!(told, (Code::InvalidArgument, "x: must be nested at most 64 deep"));
    // As deep as may be: only the job is missing.
    let refused = set(&grpc, deep(64)).await;
    assert_eq!(refused.code(), Code::NotFound, "{refused}");
    let keys = (1..=1001).map(|number| format!("1/1/{number}"));
    let request = UpdateJobsRequest { filter: by_keys(keys), ..UpdateJobsRequest::default() };
    let refused = grpc.jobs().update_jobs(request).await.unwrap_err();
    let told = (refused.code(), refused.message());
    assert_eq!(told, (Code::ResourceExhausted, "keys: at most 1000 in one call"));
}

#[tokio::test]
async fn a_call_that_comes_to_no_handler_is_logged_as_others_are() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Program::serve(&sqlite_url(folder.path()), &["--log", "debug"]);
    let refused = async |id: &'static str, key: &str| {
        let grpc = Grpc::new(&server.url, key);
        let mut request = Request::new(GetJobRequest { key: "x".repeat(MIB) });
        request.metadata_mut().insert("x-request-id", id.parse().unwrap());
        grpc.jobs().get_job(request).await.unwrap_err().code()
    };
    assert_eq!(refused("too-large", Stack::KEY).await, Code::ResourceExhausted);
    assert_eq!(refused("no-key", &"0".repeat(32)).await, Code::Unauthenticated);
    for (id, error) in [
        ("too-large", "message: must be at most 262144 bytes"),
        ("no-key", "Authentication failed"),
    ] {
        let line = server.wait_for(&format!("request_id=\"{id}\""));
        assert!(line.contains("refused rpc=\"GetJob\"") && line.contains(error), "{line}");
    }
}
