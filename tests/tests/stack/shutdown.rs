//! Shutdown: health says so first, then the server accepts no more, then calls under way end.

use std::time::Duration;

use futures::{StreamExt as _, stream};
use serde_json::json;
use spiderq_proto::v1::{JobFilter, JobState, ListQueueRequest, NewJob, PushJobsRequest};
use spiderq_server::Network;
use spiderq_tests::{Program, Stack, TIMEOUT, job_of, sqlite_url};
use tonic::{Code, Streaming};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::reflection::{ask, list_services};

/// Long enough for two calls on a busy machine.
const LAME_DUCK: Duration = Duration::from_secs(4);
/// More than what a connection buffers: 64 KiB here, and as much there.
const JOBS: usize = 1_000;

async fn push(stack: &Stack) {
    let job = NewJob {
        metadata_json: [("x".to_owned(), format!("\"{}\"", "x".repeat(1000)))].into(),
        ..job_of("s")
    };
    let request = PushJobsRequest { project: 1, jobs: vec![job; JOBS], request_id: String::new() };
    stack.grpc().queue().push_jobs(request).await.unwrap();
}

#[tokio::test]
async fn health_reports_a_shutdown_first_and_a_stream_may_end() {
    let mut stack =
        Stack::on(Network { lame_duck: LAME_DUCK, drain: TIMEOUT, ..Network::default() }).await;
    push(&stack).await;
    let grpc = stack.grpc();
    let list = ListQueueRequest {
        project: 1,
        filter: Some(JobFilter { states: vec![JobState::Pending.into()], ..Default::default() }),
        metadata_fields: vec!["x".to_owned()],
        ..Default::default()
    };
    let mut rows = grpc.queue().list_queue(list).await.unwrap().into_inner();
    let mut health = HealthClient::new(stack.grpc().channel());
    let request = HealthCheckRequest::default();
    let mut watch = health.watch(request).await.unwrap().into_inner();
    let serving = watch.message().await.unwrap().unwrap().status();
    assert_eq!(serving, ServingStatus::Serving);
    let http = stack.http().anonymous();
    assert_eq!(http.get("/readyz").await.status, 200);

    let ended = tokio::spawn(stack.running.take().unwrap().shutdown());
    let told = watch.message().await.unwrap().unwrap().status();
    assert_eq!(told, ServingStatus::NotServing);
    // Calls are still taken, on new connections too.
    let ready = http.get("/readyz").await;
    assert_eq!(ready.status, 503);
    assert_eq!(
        ready.json(),
        json!({"status": "unavailable", "message": "the server is about to end"})
    );
    assert_eq!(stack.http().get("/jobq/1/count?state=pending").await.ok().json(), JOBS);
    let mut count = 0;
    while rows.message().await.unwrap().is_some() {
        count += 1;
    }
    assert_eq!(count, JOBS);
    ended.await.unwrap();
    drop((watch, health));
    assert!(tokio::net::TcpStream::connect(&stack.url[7..]).await.is_err());
}

/// What ends a stream that has no end of its own.
async fn end<T: std::fmt::Debug>(stream: &mut Streaming<T>) -> (Code, String) {
    loop {
        match stream.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("an end without a reason"),
            Err(status) => return (status.code(), status.message().to_owned()),
        }
    }
}

#[tokio::test]
async fn streams_of_health_and_reflection_end_with_the_server() {
    let mut stack = Stack::on(Network { drain: TIMEOUT, ..Network::default() }).await;
    let mut health = HealthClient::new(stack.grpc().channel());
    let watch = health.watch(HealthCheckRequest::default()).await;
    let mut watch = watch.unwrap().into_inner();
    assert!(watch.message().await.unwrap().is_some());
    let mut asked = Vec::new();
    for version in ["v1", "v1alpha"] {
        // Their clients may have more to ask, so that they end no stream.
        let questions = stream::iter([list_services()]).chain(stream::pending());
        let mut answers = ask(stack.grpc().channel(), version, questions).await;
        assert!(answers.message().await.unwrap().is_some());
        asked.push(answers);
    }
    let stopped = tokio::spawn(stack.running.take().unwrap().shutdown());
    let unavailable = (Code::Unavailable, "the server is shutting down".to_owned());
    assert_eq!(end(&mut watch).await, unavailable);
    for answers in &mut asked {
        assert_eq!(end(answers).await, unavailable);
    }
    stopped.await.unwrap();
}

#[test]
fn sigterm_ends_the_server_with_success() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&sqlite_url(folder.path()), &[]);
    let (status, output) = program.terminate();
    assert!(status.success(), "{output}");
    assert!(output.contains("stopped"), "{output}");
}
