//! What gRPC clients expect beside the API itself: compression, the status of an unknown method.

use spiderq_proto::v1::{
    CountJobsRequest, PushJobsRequest, job_queue_service_client::JobQueueServiceClient,
    job_service_client::JobServiceClient,
};
use spiderq_tests::{Stack, StoreKind, job_of};
use tonic::{Request, codec::CompressionEncoding::Gzip};
use tonic_prost::ProstCodec;

#[tokio::test]
async fn messages_may_be_compressed_both_ways() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    let authorization: tonic::metadata::MetadataValue<_> =
        format!("Bearer {}", stack.key).parse().unwrap();
    let mut queue = JobQueueServiceClient::new(stack.grpc().channel())
        .send_compressed(Gzip)
        .accept_compressed(Gzip);
    let mut request = Request::new(PushJobsRequest {
        project: 53,
        jobs: vec![job_of("s"); 100],
        request_id: String::new(),
    });
    request.metadata_mut().insert("authorization", authorization);
    let answer = queue.push_jobs(request).await.unwrap();
    assert_eq!(answer.metadata().get("grpc-encoding").unwrap(), "gzip");
    assert_eq!(answer.into_inner().results.len(), 100);
}

#[tokio::test]
async fn an_unknown_method_is_unimplemented_to_those_with_a_key() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    for path in ["/spiderq.v1.JobService/NoSuchMethod", "/spiderq.v1.NoSuchService/Call"] {
        let mut client = tonic::client::Grpc::new(stack.grpc().channel());
        let mut with_key = Request::new(());
        let bearer = format!("Bearer {}", stack.key).parse().unwrap();
        with_key.metadata_mut().insert("authorization", bearer);
        for (request, code) in [
            (with_key, tonic::Code::Unimplemented),
            (Request::new(()), tonic::Code::Unauthenticated),
        ] {
            client.ready().await.unwrap();
            let codec = ProstCodec::<(), ()>::default();
            let refused = client.unary(request, path.parse().unwrap(), codec).await.unwrap_err();
            assert_eq!(refused.code(), code, "{path}");
        }
    }
    let mut jobs = JobServiceClient::new(stack.grpc().channel());
    let request = CountJobsRequest { project: 53, filter: None };
    let refused = jobs.count_jobs(request).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unauthenticated);
}
