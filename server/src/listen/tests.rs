//! The accept loop over loopback, in front of services that misbehave.

use std::{net::SocketAddr, sync::atomic::Ordering, time::Duration};

use axum::Router;
use spiderq_gateway::Origins;
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
    test_services::{ENDLESS, TestServices},
};

/// Serves until the sender that it returns is dropped.
async fn start(services: &TestServices) -> (watch::Sender<bool>, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let limits = Limits::default();
    let (stop, stopped) = watch::channel(false);
    let origins = Origins::default();
    let app = App::new(Some(services.routes()), Router::new(), None, origins, &limits, &stopped);
    let context = ConnectionContext::new(app, None, limits);
    tokio::spawn(serve(listener, context, stopped, Duration::ZERO));
    (stop, address)
}

/// A connection with a flow-control window of so many bytes per stream.
async fn connect(address: SocketAddr, window: u32) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let endpoint = endpoint.initial_stream_window_size(window);
    endpoint.connect().await.unwrap()
}

#[tokio::test]
async fn a_call_is_dropped_when_its_client_goes_away() {
    let services = TestServices::default();
    let (_stop, address) = start(&services).await;
    let channel = connect(address, 1 << 16).await;
    let mut jobs = JobServiceClient::new(channel);
    let call = tokio::spawn(async move { jobs.count_jobs(CountJobsRequest::default()).await });
    services.begun.notified().await;
    call.abort();
    services.dropped.notified().await;
}

#[tokio::test]
async fn a_panic_leaves_the_connection_alive() {
    let (_stop, address) = start(&TestServices::default()).await;
    let mut jobs = JobServiceClient::new(connect(address, 1 << 16).await);
    for _ in 0..2 {
        let error = jobs.get_job(GetJobRequest::default()).await.unwrap_err();
        assert_eq!(error.code(), Code::Internal);
    }
}

/// Rows have a KiB each: 64 are in the client's window, 64 in the server's buffer, and at least
/// 32 in the piece that is being encoded.
#[tokio::test]
async fn a_client_that_does_not_read_stops_the_list() {
    let services = TestServices::default();
    let (_stop, address) = start(&services).await;
    let channel = connect(address, 1 << 16).await;
    let request = ListQueueRequest { project: ENDLESS, ..ListQueueRequest::default() };
    let mut queue = JobQueueServiceClient::new(channel.clone());
    let rows = queue.list_queue(request).await.unwrap().into_inner();
    // Each of these calls goes over the same connection: so many chances to read on.
    let mut jobs = JobServiceClient::new(channel);
    for _ in 0..100 {
        let answer = jobs.get_job(GetJobRequest::default()).await;
        assert_eq!(answer.unwrap_err().code(), Code::Internal);
    }
    let taken = services.rows.load(Ordering::Relaxed);
    assert!((64..250).contains(&taken), "{taken}");
    drop(rows);
}
