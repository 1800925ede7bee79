//! What gRPC tools need beside the API itself: reflection, health, gRPC-Web, compression,
//! deadlines, and one tool that was not written by us.

use std::process::Command;

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http::Method;
use prost::Message as _;
use spiderq_proto::v1::{
    CountJobsRequest, CountJobsResponse, NewJob, PushJobsRequest,
    job_queue_service_client::JobQueueServiceClient, job_service_client::JobServiceClient,
};
use spiderq_tests::{Stack, StoreKind, node_tool};
use tonic::{Request, codec::CompressionEncoding::Gzip};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_prost::ProstCodec;
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, ServerReflectionResponse, server_reflection_request::MessageRequest,
    server_reflection_response::MessageResponse,
};

const SERVICES: [&str; 5] = [
    "grpc.health.v1.Health",
    "spiderq.v1.JobQueueService",
    "spiderq.v1.JobService",
    "spiderq.v1.KeyService",
    "spiderq.v1.ProjectService",
];

/// The services that reflection of `version` lists. The versions differ in their path only.
async fn reflected(stack: &Stack, version: &str) -> Vec<String> {
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let path = format!("/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
    let mut client = tonic::client::Grpc::new(stack.grpc().channel());
    client.ready().await.unwrap();
    let codec = ProstCodec::<_, ServerReflectionResponse>::default();
    let requests = Request::new(stream::iter([request]));
    let answer = client.streaming(requests, path.parse().unwrap(), codec);
    let mut answers = answer.await.unwrap().into_inner();
    match answers.next().await.unwrap().unwrap().message_response {
        Some(MessageResponse::ListServicesResponse(list)) => {
            let services = list.service.into_iter();
            services.map(|service| service.name).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn both_versions_of_reflection_list_the_services() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    for version in ["v1", "v1alpha"] {
        let mut names = reflected(&stack, version).await;
        names.retain(|name| !name.starts_with("grpc.reflection."));
        names.sort();
        assert_eq!(names, SERVICES);
    }
}

#[tokio::test]
async fn every_service_reports_that_it_is_serving_without_a_key() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    let mut health = HealthClient::new(stack.grpc().channel());
    for service in ["", "spiderq.v1.JobService", "spiderq.v1.JobQueueService"] {
        let request = HealthCheckRequest { service: service.to_owned() };
        let answer = health.check(request).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service}");
    }
}

#[tokio::test]
async fn grpc_web_is_answered_over_http_1() {
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
    assert_eq!(message.total, 0);
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
async fn messages_may_be_compressed_both_ways() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    let authorization: tonic::metadata::MetadataValue<_> =
        format!("Bearer {}", stack.key).parse().unwrap();
    let mut queue = JobQueueServiceClient::new(stack.grpc().channel())
        .send_compressed(Gzip)
        .accept_compressed(Gzip);
    let job = NewJob { spider: "s".to_owned(), ..Default::default() };
    let mut request = Request::new(PushJobsRequest {
        project: 53,
        jobs: vec![job; 100],
        request_id: String::new(),
    });
    request.metadata_mut().insert("authorization", authorization);
    let answer = queue.push_jobs(request).await.unwrap();
    assert_eq!(answer.metadata().get("grpc-encoding").unwrap(), "gzip");
    assert_eq!(answer.into_inner().results.len(), 100);
}

#[tokio::test]
async fn an_unknown_method_is_unimplemented_and_not_a_page_of_json() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    for path in ["/spiderq.v1.JobService/NoSuchMethod", "/spiderq.v1.NoSuchService/Call"] {
        let mut client = tonic::client::Grpc::new(stack.grpc().channel());
        client.ready().await.unwrap();
        let codec = ProstCodec::<(), ()>::default();
        let call = client.unary(Request::new(()), path.parse().unwrap(), codec);
        let refused = call.await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::Unimplemented, "{path}");
    }
    let mut jobs = JobServiceClient::new(stack.grpc().channel());
    let request = CountJobsRequest { project: 53, filter: None };
    let refused = jobs.count_jobs(request).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_that_knows_only_the_address_schedules_a_job() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    let mut buf = Command::new(node_tool("buf"));
    buf.args(["curl", "--http2-prior-knowledge", "--protocol", "grpc"])
        .args(["--header", &format!("Authorization: Bearer {}", stack.key)])
        .args(["--data", r#"{"project": 53, "spider": "somespider"}"#])
        .arg(format!("{}/spiderq.v1.JobService/ScheduleJob", stack.url))
        .current_dir(std::env::temp_dir());
    let output = tokio::task::spawn_blocking(move || buf.output().unwrap());
    let output = output.await.unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer, serde_json::json!({"key": "53/1/1"}));
}
