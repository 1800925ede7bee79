//! Services behind a real channel behave as services in the process.

use spiderq_gateway::{Options, router, upstream};
use spiderq_proto::v1::{
    job_queue_service_server::JobQueueServiceServer, job_service_server::JobServiceServer, *,
};
use tonic::{
    Request, Status,
    transport::{Channel, Server, server::TcpIncoming},
};
use tower::ServiceExt as _;

use crate::{fake::Fake, job};

async fn channel(fake: &Fake) -> Channel {
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = incoming.local_addr().unwrap();
    let server = Server::builder()
        .add_service(JobServiceServer::new(fake.clone()))
        .add_service(JobQueueServiceServer::new(fake.clone()));
    tokio::spawn(server.serve_with_incoming(incoming));
    let channel = Channel::from_shared(format!("http://{address}")).unwrap();
    channel.connect().await.unwrap()
}

#[tokio::test]
async fn calls_streams_errors_and_credentials_pass_through() {
    let row = ListQueueResponse { job: Some(job("1/1/1")), elapsed: None };
    let fake = Fake::default()
        .responds(CountJobsResponse { count: 5 })
        .responds(vec![Ok::<_, Status>(row.clone())])
        .responds(Status::not_found("no job 1/1/9"));
    let services = upstream(channel(&fake).await);

    let mut request = Request::new(CountJobsRequest { project: 1, filter: None });
    request.metadata_mut().insert("authorization", "Bearer K".parse().unwrap());
    let response = services.jobs.count_jobs(request).await.unwrap();
    assert_eq!(response.into_inner().count, 5);
    assert_eq!(fake.metadata().get("authorization").unwrap(), "Bearer K");

    let request = Request::new(ListQueueRequest::default());
    let rows = services.queue.list_queue(request).await.unwrap().into_inner();
    let rows: Vec<_> = futures::StreamExt::collect(rows).await;
    assert_eq!(rows.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [row]);

    let request =
        http::Request::get("/jobs/1/1/9/auth?apikey=K").body(axum::body::Body::empty()).unwrap();
    let response = router(services, Options::default()).oneshot(request).await.unwrap();
    assert_eq!(response.status(), 404);
}
