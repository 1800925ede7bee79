//! The accept loop over loopback, with services that misbehave behind it.

use std::{net::SocketAddr, sync::atomic::Ordering, time::Duration};

use axum::Router;
use spiderq_proto::v1::{
    CountJobsRequest, GetJobRequest, ListQueueRequest,
    job_queue_service_client::JobQueueServiceClient, job_service_client::JobServiceClient,
};
use tokio::{net::TcpListener, sync::watch};
use tonic::{
    Code,
    transport::{Channel, Endpoint},
};

use super::{ConnectionContext, Limits, serve};
use crate::{
    app::App,
    cors::Cors,
    test_services::{ENDLESS, TestServices},
};

/// Serves until what it returns is dropped.
async fn start(fake: &TestServices) -> (watch::Sender<bool>, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let limits = Limits::default();
    let app = App::new(Some(fake.routes()), Router::new(), Cors::default(), limits.body_timeout);
    let host = ConnectionContext::new(app, None, limits);
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(serve(listener, host, stopped, Duration::ZERO));
    (stop, address)
}

/// A connection whose stream has room for so much before it is read, bytes.
async fn connect(address: SocketAddr, window: u32) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let endpoint = endpoint.initial_stream_window_size(window);
    endpoint.connect().await.unwrap()
}

#[tokio::test]
async fn who_goes_away_takes_the_work_along() {
    let fake = TestServices::default();
    let (_stop, address) = start(&fake).await;
    let channel = connect(address, 1 << 16).await;
    let mut jobs = JobServiceClient::new(channel);
    let call = tokio::spawn(async move { jobs.count_jobs(CountJobsRequest::default()).await });
    fake.begun.notified().await;
    call.abort();
    fake.dropped.notified().await;
}

#[tokio::test]
async fn a_panic_leaves_the_connection_alive() {
    let (_stop, address) = start(&TestServices::default()).await;
    let mut jobs = JobServiceClient::new(connect(address, 1 << 16).await);
    for _ in 0..2 {
        let broken = jobs.get_job(GetJobRequest::default()).await.unwrap_err();
        assert_eq!(broken.code(), Code::Internal);
    }
}

/// Rows of a KiB: 64 in the client's window, 64 in the server's buffer, and those of one
/// piece that is being made (32 KiB and more).
#[tokio::test]
async fn a_reader_that_does_not_read_holds_up_the_list() {
    let fake = TestServices::default();
    let (_stop, address) = start(&fake).await;
    let channel = connect(address, 1 << 16).await;
    let request = ListQueueRequest { project: ENDLESS, ..ListQueueRequest::default() };
    let mut queue = JobQueueServiceClient::new(channel.clone());
    let rows = queue.list_queue(request).await.unwrap().into_inner();
    // Each of these goes over the same connection, whose server has so many chances to read on.
    let mut jobs = JobServiceClient::new(channel);
    for _ in 0..100 {
        let answer = jobs.get_job(GetJobRequest::default()).await;
        assert_eq!(answer.unwrap_err().code(), Code::Internal);
    }
    let taken = fake.rows.load(Ordering::Relaxed);
    assert!((64..250).contains(&taken), "{taken}");
    drop(rows);
}
