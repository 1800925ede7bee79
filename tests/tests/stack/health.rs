//! `grpc.health.v1`. Health during a shutdown: `shutdown.rs`.

use spiderq_tests::{Stack, StoreKind};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

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
