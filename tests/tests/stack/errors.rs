//! Errors over gRPC: code, message, reason, what their details name, and all wrong fields.

use std::collections::BTreeMap;

use spiderq_proto::v1::*;
use spiderq_tests::{
    Grpc, Stack, by_keys, by_number, item_error, item_fields, job_of, pushed_key, update_error,
    update_of,
};
use tonic::{Code, Status};
use tonic_types::{ErrorInfo, RpcStatusExt as _, StatusExt as _};

use crate::{
    helpers::{NOW, get, schedule, scheduled},
    on_each_store,
};

/// Asserts code, reason and domain of an error; its metadata.
fn info(status: &Status, code: Code, reason: &str) -> BTreeMap<String, String> {
    let ErrorInfo { reason: found, domain, metadata } = status.get_details_error_info().unwrap();
    assert_eq!((status.code(), found.as_str()), (code, reason), "{status}");
    assert_eq!(domain, "spiderq");
    let known = ErrorReason::from_str_name(&format!("ERROR_REASON_{found}"));
    assert!(known.is_some(), "{found} is not in errors.proto");
    metadata.into_iter().collect()
}

/// What a `PreconditionFailure` or a `ResourceInfo` names.
fn named(status: &Status) -> Vec<String> {
    let details = status.get_error_details();
    let violations = details.precondition_failure().map(|it| it.violations.clone());
    let subjects = violations.unwrap_or_default().into_iter().map(|it| it.subject);
    let resource = details.resource_info().map(|it| it.resource_name.clone());
    subjects.chain(resource).collect()
}

#[tokio::test]
async fn errors_carry_their_reason_and_their_field() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let grpc = stack.grpc();
        let job = Some(NewJob { units: Some(7), ..job_of("spider") });
        let request = ScheduleJobRequest { job, ..schedule("spider") };
        let status = grpc.jobs().schedule_job(request).await.unwrap_err();
        info(&status, Code::InvalidArgument, "INVALID_FIELD");
        assert_eq!(status.message(), "units: must be an integer from 1 to 6");
        let violations = status.get_details_bad_request().unwrap().field_violations;
        assert_eq!(violations[0].field, "job.units");
        assert_eq!(violations[0].description, "must be an integer from 1 to 6");

        let nobody = Grpc::new(&stack.url, "");
        let refused = get(&nobody, "53/1/1").await.unwrap_err();
        info(&refused, Code::Unauthenticated, "UNAUTHENTICATED");
        let key = stack.create_key("reader", Role::Read, &[54]).await;
        let reader = Grpc::new(&stack.url, &key);
        let refused = get(&reader, "53/1/1").await.unwrap_err();
        info(&refused, Code::PermissionDenied, "NOT_REACHED");
        let request = ScheduleJobRequest { project: 54, ..schedule("spider") };
        let refused = reader.jobs().schedule_job(request).await.unwrap_err();
        let metadata = info(&refused, Code::PermissionDenied, "ROLE_REQUIRED");
        assert_eq!(metadata["required_role"], "user");
    })
    .await;
}

#[tokio::test]
async fn errors_name_the_job_that_they_are_about() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let grpc = stack.grpc();
        let key = scheduled(&grpc, schedule("spider")).await.unwrap();
        let again = scheduled(&grpc, schedule("spider")).await.unwrap_err();
        assert_eq!(again.message(), "spider already scheduled");
        assert_eq!(info(&again, Code::AlreadyExists, "DUPLICATE")["key"], key);

        let request = GetJobTokenRequest { key: key.clone() };
        let pending = grpc.jobs().get_job_token(request).await.unwrap_err();
        let metadata = info(&pending, Code::FailedPrecondition, "WRONG_STATE");
        assert_eq!((&metadata["key"], metadata["state"].as_str()), (&key, "pending"));
        assert_eq!(named(&pending), std::slice::from_ref(&key));

        grpc.queue()
            .start_job(StartJobRequest { project: 53, ..Default::default() })
            .await
            .unwrap();
        let delete = DeleteJobsRequest { filter: by_keys([key.as_str()]), ..Default::default() };
        let running = grpc.jobs().delete_jobs(delete).await.unwrap_err();
        let metadata = info(&running, Code::FailedPrecondition, "WRONG_STATE");
        assert_eq!((&metadata["key"], metadata["state"].as_str()), (&key, "running"));

        let beat =
            HeartbeatRequest { key: key.clone(), fence: "f".repeat(32), ..Default::default() };
        let stale = grpc.queue().heartbeat(beat).await.unwrap_err();
        assert_eq!(info(&stale, Code::FailedPrecondition, "STALE_FENCE")["key"], key);

        let missing = get(&grpc, "53/1/99").await.unwrap_err();
        info(&missing, Code::NotFound, "NOT_FOUND");
        assert_eq!(named(&missing), ["53/1/99"]);
        let request = GetSpiderRequest { project: 53, spider: Some(by_number(99)) };
        let missing = grpc.projects().get_spider(request).await.unwrap_err();
        info(&missing, Code::NotFound, "NOT_FOUND");
        assert_eq!(named(&missing), ["53/99"]);
    })
    .await;
}

#[tokio::test]
async fn an_api_key_that_is_not_there_is_not_named() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let mut keys = stack.grpc().api_keys();
        let unknown = keys.revoke_api_key(RevokeApiKeyRequest { id: "x".to_owned() }).await;
        let unknown = unknown.unwrap_err();
        info(&unknown, Code::NotFound, "NOT_FOUND");
        assert_eq!(named(&unknown), [""]);
    })
    .await;
}

fn fields(status: &Status) -> Vec<String> {
    let bad = status.get_details_bad_request().unwrap();
    let mut fields: Vec<String> = bad.field_violations.into_iter().map(|it| it.field).collect();
    fields.sort();
    fields
}

#[tokio::test]
async fn all_wrong_fields_are_named_by_their_whole_paths() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let grpc = stack.grpc();
        let job = NewJob {
            priority: Some(9),
            units: Some(-1),
            tags: vec!["ok".to_owned(), "\n".to_owned()],
            ..job_of("")
        };
        let request = ScheduleJobRequest { job: Some(job), ..Default::default() };
        let refused = grpc.jobs().schedule_job(request).await.unwrap_err();
        info(&refused, Code::InvalidArgument, "INVALID_FIELD");
        let expected = ["job.priority", "job.spider.name", "job.tags[1]", "job.units", "project"];
        assert_eq!(fields(&refused), expected);

        let filter = JobFilter {
            keys: vec!["53/1/1".to_owned(), "x".to_owned()],
            states: vec![1, 9],
            spiders: vec![by_number(1), by_number(0), SpiderRef::default()],
            has_tags: vec!["ok".to_owned(), String::new()],
            priorities: vec![0, 5],
            ..JobFilter::default()
        };
        let request = CountJobsRequest { project: 53, filter: Some(filter) };
        let refused = grpc.jobs().count_jobs(request).await.unwrap_err();
        let expected = [
            "filter.has_tags[1]",
            "filter.keys[1]",
            "filter.priorities[1]",
            "filter.spiders[1].id",
            "filter.spiders[2]",
            "filter.states[1]",
        ];
        assert_eq!(fields(&refused), expected);
    })
    .await;
}

/// As the error of a call of its own would be.
#[tokio::test]
async fn items_of_a_batch_carry_the_same_details() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let mut queue = stack.grpc().queue();
        let unique = NewJob { unique_key: "u".to_owned(), ..job_of("s") };
        let bad = NewJob { tags: vec!["t".to_owned(), String::new()], ..job_of("s") };
        let unknown = NewJob { spider: Some(by_number(99)), ..NewJob::default() };
        let jobs = vec![unique.clone(), unique, bad, unknown];
        let push = PushJobsRequest { project: 53, jobs, ..Default::default() };
        let pushed = queue.push_jobs(push).await.unwrap().into_inner().results;
        let results: Vec<_> = pushed.into_iter().map(pushed_key).collect();
        let [Ok(key), Err(duplicate), Err(bad), Err(unknown)] = &results[..] else {
            panic!("{results:?}");
        };
        let (code, reason, _) = item_error(duplicate);
        assert_eq!((code, reason.as_str()), (Code::AlreadyExists, "DUPLICATE"));
        let info = duplicate.get_details_error_info().unwrap();
        assert_eq!((info.domain.as_str(), &info.metadata["key"]), ("spiderq", key));
        assert_eq!(item_error(bad).1, "INVALID_FIELD");
        assert_eq!(item_fields(bad), ["jobs[2].tags[1]"]);
        assert_eq!(item_error(unknown).0, Code::NotFound);

        let delete = JobUpdate {
            state: JobState::Running.into(),
            fence: "0".repeat(32),
            ..update_of("53/1/1")
        };
        let bad = JobUpdate { priority: Some(7), units: Some(0), ..delete.clone() };
        let request = UpdateQueueRequest { updates: vec![delete, bad], ..Default::default() };
        let results = queue.update_queue(request).await.unwrap().into_inner().results;
        let stale = update_error(&results[0]).unwrap();
        assert_eq!(item_error(&stale).1, "STALE_FENCE");
        assert_eq!(stale.get_details_error_info().unwrap().metadata["key"], "53/1/1");
        assert_eq!(results[1].update_index, 1);
        let mut paths = item_fields(&update_error(&results[1]).unwrap());
        paths.sort();
        assert_eq!(paths, ["updates[1].priority", "updates[1].units"]);
    })
    .await;
}
