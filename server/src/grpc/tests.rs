//! Deadlines and panics, seen by the generated clients without a network.

use std::time::Duration;

use spiderq_proto::v1::{
    CountJobsRequest, GetJobRequest, ListQueueRequest,
    job_queue_service_client::JobQueueServiceClient, job_service_client::JobServiceClient,
};
use tokio::{sync::watch, time::Instant};
use tonic::{Code, Request, Status};

use super::GrpcGuard;
use crate::test_services::{PANICKING, STUCK, TestServices};

const DEADLINE_EXCEEDED: (Code, &str) =
    (Code::DeadlineExceeded, "the deadline of the call has passed");
const INTERNAL: (Code, &str) = (Code::Internal, "internal error");

fn code_and_message(status: &Status) -> (Code, &str) {
    (status.code(), status.message())
}

fn guarded(services: &TestServices) -> GrpcGuard {
    // A server that is gone counts as one that stops, but only for health and reflection.
    let timeout = Duration::from_secs(300);
    GrpcGuard::new(services.routes(), None, timeout, watch::channel(false).1)
}

fn list(project: i64) -> Request<ListQueueRequest> {
    Request::new(ListQueueRequest { project, ..ListQueueRequest::default() })
}

#[tokio::test(start_paused = true)]
async fn a_call_and_its_work_end_at_the_deadline() {
    let services = TestServices::default();
    let mut jobs = JobServiceClient::new(guarded(&services));
    let mut request = Request::new(CountJobsRequest::default());
    request.set_timeout(Duration::from_secs(3));
    let start = Instant::now();
    let error = jobs.count_jobs(request).await.unwrap_err();
    assert_eq!(code_and_message(&error), DEADLINE_EXCEEDED);
    assert_eq!(start.elapsed().as_secs(), 3);
    services.dropped.notified().await;
}

#[tokio::test(start_paused = true)]
async fn a_call_without_a_deadline_gets_the_servers() {
    let services = TestServices::default();
    let mut jobs = JobServiceClient::new(guarded(&services));
    let start = Instant::now();
    let error = jobs.count_jobs(CountJobsRequest::default()).await.unwrap_err();
    assert_eq!(code_and_message(&error), DEADLINE_EXCEEDED);
    assert_eq!(start.elapsed().as_secs(), 60);
    services.dropped.notified().await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_at_the_deadline_after_the_rows_before_it() {
    let services = TestServices::default();
    let mut queue = JobQueueServiceClient::new(guarded(&services));
    let mut request = list(STUCK);
    request.set_timeout(Duration::from_secs(3));
    let mut rows = queue.list_queue(request).await.unwrap().into_inner();
    assert!(rows.message().await.unwrap().is_some());
    let error = rows.message().await.unwrap_err();
    assert_eq!(code_and_message(&error), DEADLINE_EXCEEDED);
    services.dropped.notified().await;
}

#[tokio::test]
async fn a_panic_is_an_internal_error() {
    let routes = guarded(&TestServices::default());
    let mut jobs = JobServiceClient::new(routes.clone());
    let error = jobs.get_job(GetJobRequest::default()).await.unwrap_err();
    assert_eq!(code_and_message(&error), INTERNAL);
    let mut queue = JobQueueServiceClient::new(routes);
    let mut rows = queue.list_queue(list(PANICKING)).await.unwrap().into_inner();
    let error = rows.message().await.unwrap_err();
    assert_eq!(code_and_message(&error), INTERNAL);
}

#[tokio::test]
async fn a_malformed_deadline_is_refused() {
    let mut jobs = JobServiceClient::new(guarded(&TestServices::default()));
    let mut request = Request::new(GetJobRequest::default());
    let soon = "soon".parse().unwrap();
    request.metadata_mut().insert("grpc-timeout", soon);
    let error = jobs.get_job(request).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
}
