//! gRPC reflection, and a tool that knows the API from it alone.

use std::process::Command;

use futures::{Stream, StreamExt as _, stream};
use spiderq_tests::{Stack, StoreKind, node_tool};
use tonic::{Request, Streaming, transport::Channel};
use tonic_prost::ProstCodec;
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, ServerReflectionResponse, server_reflection_request::MessageRequest,
    server_reflection_response::MessageResponse,
};

const SERVICES: [&str; 8] = [
    "grpc.health.v1.Health",
    "spiderq.v1.ApiKeyService",
    "spiderq.v1.AuditService",
    "spiderq.v1.JobOutputService",
    "spiderq.v1.JobQueueService",
    "spiderq.v1.JobService",
    "spiderq.v1.ProjectService",
    "spiderq.v1.RunnerService",
];

pub(crate) fn list_services() -> ServerReflectionRequest {
    ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    }
}

/// The answers of reflection of `version`. The versions differ in their path only.
pub(crate) async fn ask(
    channel: Channel,
    version: &str,
    questions: impl Stream<Item = ServerReflectionRequest> + Send + 'static,
) -> Streaming<ServerReflectionResponse> {
    let path = format!("/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    let codec = ProstCodec::<_, ServerReflectionResponse>::default();
    let answers = client.streaming(Request::new(questions), path.parse().unwrap(), codec);
    answers.await.unwrap().into_inner()
}

/// The services that reflection of `version` lists.
async fn reflected(stack: &Stack, version: &str) -> Vec<String> {
    let questions = stream::iter([list_services()]);
    let mut answers = ask(stack.grpc().channel(), version, questions).await;
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

/// What `buf curl` prints of a call to the server.
async fn buf_curl(stack: &Stack, call: &str, message: &str) -> serde_json::Value {
    let mut buf = Command::new(node_tool("buf"));
    buf.args(["curl", "--http2-prior-knowledge", "--protocol", "grpc"])
        .args(["--header", &format!("Authorization: Bearer {}", stack.key)])
        .args(["--data", message])
        .arg(format!("{}/spiderq.v1.{call}", stack.url))
        .current_dir(std::env::temp_dir());
    let output = tokio::task::spawn_blocking(move || buf.output().unwrap());
    let output = output.await.unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_that_knows_only_the_address_schedules_a_job() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    let message = r#"{"project": 53, "job": {"spider": {"name": "somespider"}}}"#;
    let answer = buf_curl(&stack, "JobService/ScheduleJob", message).await;
    let job = &answer["job"];
    let found = [&job["key"], &job["spiderName"], &job["state"]];
    assert_eq!(found, ["53/1/1", "somespider", "JOB_STATE_PENDING"]);
}

/// The details of its error are messages that reflection must know.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn such_a_tool_prints_why_an_item_was_refused() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    let message = r#"{"project": 53, "jobs": [{"spider": {"name": "s"}}, {"priority": 9}]}"#;
    let answer = buf_curl(&stack, "JobQueueService/PushJobs", message).await;
    assert_eq!(answer["results"][0]["added"]["key"], "53/1/1");
    let error = &answer["results"][1]["error"];
    assert_eq!(error["message"], "spider: is required");
    assert_eq!(error["details"][0]["reason"], "INVALID_FIELD");
    let violations = error["details"][1]["fieldViolations"].as_array().unwrap();
    let fields: Vec<_> = violations.iter().map(|one| one["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["jobs[1].spider", "jobs[1].priority"]);
}
