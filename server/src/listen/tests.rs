//! The accept loop over loopback, in front of services that misbehave.

use std::{net::SocketAddr, sync::atomic::Ordering, time::Duration};

use axum::Router;
use futures::FutureExt as _;
use spiderq_gateway::Origins;
use spiderq_proto::v1::{
    CountJobsRequest, GetJobRequest, ListQueueRequest,
    job_queue_service_client::JobQueueServiceClient, job_service_client::JobServiceClient,
};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tonic::{
    Code,
    transport::{Channel, Endpoint},
};

use super::{ConnectionContext, Limits, serve};
use crate::{
    app::{App, GrpcServices},
    test_services::{ENDLESS, STUCK, TestServices},
};

/// Serves until the sender that it returns is dropped.
async fn start(services: &TestServices) -> (watch::Sender<bool>, SocketAddr) {
    start_with(services, Limits::default()).await
}

async fn start_with(services: &TestServices, limits: Limits) -> (watch::Sender<bool>, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    let grpc = GrpcServices { routes: services.routes(), admission: None, web_only: false };
    let origins = Origins::default();
    let app = App::new(Some(grpc), Router::new(), None, origins, &limits, &stopped);
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

fn list(project: i64) -> ListQueueRequest {
    ListQueueRequest { project, ..ListQueueRequest::default() }
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
    let mut queue = JobQueueServiceClient::new(channel.clone());
    let rows = queue.list_queue(list(ENDLESS)).await.unwrap().into_inner();
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

/// On one connection, which answers all along: only the list whose client takes nothing ends.
#[tokio::test]
async fn a_stream_whose_window_stays_shut_is_reset() {
    let services = TestServices::default();
    let write_timeout = Duration::from_millis(300);
    let limits = Limits { write_timeout, ..Limits::default() };
    let (_stop, address) = start_with(&services, limits).await;
    let channel = connect(address, 1 << 16).await;
    let mut queue = JobQueueServiceClient::new(channel.clone());
    let mut stuck = queue.list_queue(list(STUCK)).await.unwrap().into_inner();
    assert!(stuck.message().await.unwrap().is_some());
    let mut rows = queue.list_queue(list(ENDLESS)).await.unwrap().into_inner();
    services.ended.notified().await;
    let answer = JobServiceClient::new(channel).get_job(GetJobRequest::default()).await;
    assert_eq!(answer.unwrap_err().code(), Code::Internal);
    let refused = loop {
        if let Err(error) = rows.message().await {
            break error;
        }
    };
    assert_eq!(refused.code(), Code::Cancelled, "{refused}");
    assert!(stuck.message().now_or_never().is_none());
}

/// A call of gRPC-Web over HTTP/1, whose client reads nothing at all.
#[tokio::test]
async fn a_connection_whose_client_reads_nothing_is_closed() {
    let services = TestServices::default();
    let write_timeout = Duration::from_millis(300);
    let limits = Limits { write_timeout, ..Limits::default() };
    let (_stop, address) = start_with(&services, limits).await;
    let mut socket = TcpStream::connect(address).await.unwrap();
    let head = "POST /spiderq.v1.JobQueueService/ListQueue HTTP/1.1\r\nhost: x\r\n\
                content-type: application/grpc-web+proto\r\ncontent-length: 7\r\n\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    // The head of a message of two bytes; field 1, the project, is a number.
    socket.write_all(&[0, 0, 0, 0, 2, 0x08, ENDLESS as u8]).await.unwrap();
    services.ended.notified().await;
    drop(socket);
}
