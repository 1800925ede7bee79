//! `grpc.health.v1`, and the limits that it has in common with reflection, as neither needs a key.
//! Health during a shutdown: `shutdown.rs`.

use std::time::Duration;

use futures::{StreamExt as _, stream};
use spiderq_server::{Limits, Network};
use spiderq_tests::{Stack, StoreKind};
use tonic::Code;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::v1::ServerReflectionRequest;

use crate::reflection::{ask, list_services};

const LIMIT: usize = 64 << 10;

#[tokio::test]
async fn every_service_reports_that_it_is_serving_without_a_key() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    let mut health = HealthClient::new(stack.grpc().channel());
    for service in ["", "spiderq.v1.JobService", "spiderq.v1.JobQueueService"] {
        let request = HealthCheckRequest { service: service.to_owned() };
        let answer = health.check(request).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service}");
    }
}

#[tokio::test]
async fn streams_that_need_no_key_end_after_their_time() {
    let limits = Limits { public_stream_timeout: Duration::from_millis(200), ..Limits::default() };
    let stack = Stack::on(Network { limits, ..Network::default() }).await;
    let mut health = HealthClient::new(stack.grpc().channel());
    let mut watch = health.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    let over = watch.message().await.unwrap_err();
    let expected = (Code::Unavailable, "the stream has lasted for 0.2 s: call again");
    assert_eq!((over.code(), over.message()), expected);
    for version in ["v1", "v1alpha"] {
        let questions = stream::iter([list_services()]).chain(stream::pending());
        let mut answers = ask(stack.grpc().channel(), version, questions).await;
        assert!(answers.message().await.unwrap().is_some());
        let over = answers.message().await.unwrap_err();
        assert_eq!((over.code(), over.message()), expected, "{version}");
    }
}

#[tokio::test]
async fn messages_that_need_no_key_are_small() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    let mut health = HealthClient::new(stack.grpc().channel());
    let request = HealthCheckRequest { service: "x".repeat(LIMIT) };
    assert_eq!(health.check(request).await.unwrap_err().code(), Code::OutOfRange);
    let request = HealthCheckRequest { service: "x".repeat(LIMIT - 8) };
    assert_eq!(health.check(request).await.unwrap_err().code(), Code::NotFound);
    for version in ["v1", "v1alpha"] {
        let question = ServerReflectionRequest { host: "x".repeat(LIMIT), ..list_services() };
        let mut answers = ask(stack.grpc().channel(), version, stream::iter([question])).await;
        // Reflection ends its stream at a message that it cannot read.
        let answer = answers.message().await;
        assert!(!matches!(answer, Ok(Some(_))), "{version}: {answer:?}");
    }
}
