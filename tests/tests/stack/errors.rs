//! Errors over gRPC: code, message, reason and field.

use spiderq_proto::v1::{GetJobTokenRequest, Role, ScheduleJobRequest};
use spiderq_tests::{Grpc, Stack};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::{
    helpers::{NOW, get, schedule},
    on_each_store,
};

#[tokio::test]
async fn errors_carry_their_reason_and_their_field() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let grpc = stack.grpc();
        let request = ScheduleJobRequest { units: Some(7), ..schedule("spider") };
        let status = grpc.jobs().schedule_job(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(status.message(), "units: must be an integer from 1 to 6");
        let violations = status.get_details_bad_request().unwrap().field_violations;
        assert_eq!(violations[0].field, "units");
        assert_eq!(violations[0].description, "must be an integer from 1 to 6");
        assert!(status.get_details_error_info().is_some());

        grpc.jobs().schedule_job(schedule("spider")).await.unwrap();
        let again = grpc.jobs().schedule_job(schedule("spider")).await;
        let again = again.unwrap_err();
        assert_eq!(again.code(), Code::AlreadyExists);
        assert_eq!(again.message(), "spider already scheduled");

        let request = GetJobTokenRequest { key: "53/1/1".to_owned() };
        let pending = grpc.jobs().get_job_token(request).await.unwrap_err();
        assert_eq!(pending.code(), Code::FailedPrecondition);

        let nobody = Grpc::new(&stack.url, "");
        let refused = get(&nobody, "53/1/1").await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated);
        let reader = stack.create_key("reader", Role::Read, &[54]).await;
        let reader = Grpc::new(&stack.url, &reader);
        let refused = get(&reader, "53/1/1").await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
    })
    .await;
}
