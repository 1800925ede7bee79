//! Heartbeats, and writes with the fence of a lease that has ended.

use spiderq_proto::v1::{HeartbeatRequest, SetJobMetadataRequest, StartJobRequest};
use spiderq_tests::{Stack, span};
use tonic::Code;

use crate::{
    helpers::{NOW, get, schedule, texts},
    on_each_store,
};

#[tokio::test]
async fn a_stale_heartbeat_and_a_stale_write_are_failed_preconditions() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let grpc = stack.grpc();
        grpc.jobs().schedule_job(schedule("spider")).await.unwrap();
        let start = StartJobRequest { project: 53, lease: span(1_000), ..Default::default() };
        let started = grpc.queue().start_job(start).await.unwrap().into_inner();
        let heartbeat = |fence: &str| HeartbeatRequest {
            key: "53/1/1".to_owned(),
            fence: fence.to_owned(),
            lease: span(1_000),
            ..Default::default()
        };
        let write = |fence: &str| SetJobMetadataRequest {
            key: "53/1/1".to_owned(),
            metadata_json: texts([("note", "1")]),
            fence: fence.to_owned(),
            ..Default::default()
        };
        let other = "f".repeat(32);
        let refused = grpc.queue().heartbeat(heartbeat(&other)).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        let refused = grpc.jobs().set_job_metadata(write(&other)).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        grpc.queue().heartbeat(heartbeat(&started.fence)).await.unwrap();

        stack.set_time(NOW + 1_000);
        let late = grpc.queue().heartbeat(heartbeat(&started.fence)).await;
        assert_eq!(late.unwrap_err().code(), Code::FailedPrecondition);
        let late = grpc.jobs().set_job_metadata(write(&started.fence)).await;
        assert_eq!(late.unwrap_err().code(), Code::FailedPrecondition);
        let job = get(&grpc, "53/1/1").await.unwrap();
        assert!(!job.metadata_json.contains_key("note"));
    })
    .await;
}
