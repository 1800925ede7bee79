//! Deadlines and panics, through the generated clients, in memory.

use std::time::Duration;

use spiderq_proto::v1::{
    CountJobsRequest, GetJobRequest, ListQueueRequest,
    job_queue_service_client::JobQueueServiceClient, job_service_client::JobServiceClient,
};
use tokio::time::Instant;
use tonic::{Code, Request, Status};

use super::Guarded;
use crate::test_services::{BROKEN, STUCK, TestServices};

const LATE: (Code, &str) = (Code::DeadlineExceeded, "the deadline of the call has passed");
const BUG: (Code, &str) = (Code::Internal, "internal error");

fn told(status: &Status) -> (Code, &str) {
    (status.code(), status.message())
}

fn list(project: i64) -> Request<ListQueueRequest> {
    Request::new(ListQueueRequest { project, ..ListQueueRequest::default() })
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_at_its_deadline_and_so_does_its_work() {
    let fake = TestServices::default();
    let mut jobs = JobServiceClient::new(Guarded(fake.routes()));
    let mut request = Request::new(CountJobsRequest::default());
    request.set_timeout(Duration::from_secs(3));
    let begun = Instant::now();
    let late = jobs.count_jobs(request).await.unwrap_err();
    assert_eq!(told(&late), LATE);
    assert_eq!(begun.elapsed().as_secs(), 3);
    fake.dropped.notified().await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_at_its_deadline_after_what_it_gave() {
    let fake = TestServices::default();
    let mut queue = JobQueueServiceClient::new(Guarded(fake.routes()));
    let mut request = list(STUCK);
    request.set_timeout(Duration::from_secs(3));
    let mut rows = queue.list_queue(request).await.unwrap().into_inner();
    assert!(rows.message().await.unwrap().is_some());
    let late = rows.message().await.unwrap_err();
    assert_eq!(told(&late), LATE);
    fake.dropped.notified().await;
}

#[tokio::test]
async fn a_panic_is_an_internal_error() {
    let routes = Guarded(TestServices::default().routes());
    let mut jobs = JobServiceClient::new(routes.clone());
    let broken = jobs.get_job(GetJobRequest::default()).await.unwrap_err();
    assert_eq!(told(&broken), BUG);
    let mut queue = JobQueueServiceClient::new(routes);
    let mut rows = queue.list_queue(list(BROKEN)).await.unwrap().into_inner();
    let broken = rows.message().await.unwrap_err();
    assert_eq!(told(&broken), BUG);
}

#[tokio::test]
async fn a_deadline_that_says_nothing_is_refused() {
    let mut jobs = JobServiceClient::new(Guarded(TestServices::default().routes()));
    let mut request = Request::new(GetJobRequest::default());
    let soon = "soon".parse().unwrap();
    request.metadata_mut().insert("grpc-timeout", soon);
    let refused = jobs.get_job(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}
