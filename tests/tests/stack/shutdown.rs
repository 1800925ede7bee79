//! Shutdown: health says so first, then the server accepts no more, then calls under way end.

use std::time::Duration;

use serde_json::json;
use spiderq_proto::v1::{ListQueueRequest, NewJob, PushJobsRequest};
use spiderq_server::Network;
use spiderq_tests::{Program, Stack, TIMEOUT, sqlite_url};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

/// Long enough for two calls on a busy machine.
const LAME_DUCK: Duration = Duration::from_secs(4);
/// More than what a connection buffers: 64 KiB here, and as much there.
const JOBS: usize = 1_000;

async fn push(stack: &Stack) {
    let job = NewJob {
        spider: "s".to_owned(),
        metadata: [("x".to_owned(), format!("\"{}\"", "x".repeat(1000)))].into(),
        ..NewJob::default()
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
        filter: Some(spiderq_proto::v1::JobFilter {
            states: vec![spiderq_proto::v1::JobState::Pending.into()],
            ..Default::default()
        }),
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

    let end = tokio::spawn(stack.running.take().unwrap().shutdown());
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
    drop((watch, health));
    let mut count = 0;
    while rows.message().await.unwrap().is_some() {
        count += 1;
    }
    assert_eq!(count, JOBS);
    end.await.unwrap();
    assert!(tokio::net::TcpStream::connect(&stack.url[7..]).await.is_err());
}

#[test]
fn sigterm_ends_the_server_with_success() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&sqlite_url(folder.path()), &[]);
    let (status, output) = program.terminate();
    assert!(status.success(), "{output}");
    assert!(output.contains("stopped"), "{output}");
}
