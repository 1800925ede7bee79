//! The gRPC API through its generated client over real TCP: lists, tags, errors and
//! repeated calls. The life of a job is in `grpc_life`.

use std::collections::BTreeMap;

use spiderq_proto::v1::{
    CountJobsRequest, GetJobRequest, GetJobTokenRequest, Job, JobFilter, JobState, JobView,
    ListJobsRequest, ListQueueRequest, Role, ScheduleJobRequest, TagChanges, UpdateJobsRequest,
};
use spiderq_tests::{Grpc, Stack};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::on_each_store;

/// The stacks' clock stands here, ms since the epoch.
pub(crate) const NOW: u64 = 1_566_311_800_654;

pub(crate) fn texts<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

pub(crate) fn schedule(spider: &str) -> ScheduleJobRequest {
    ScheduleJobRequest { project: 53, spider: spider.to_owned(), ..Default::default() }
}

pub(crate) async fn get(grpc: &Grpc, key: &str) -> Result<Job, Status> {
    let request = GetJobRequest { key: key.to_owned() };
    let answer = grpc.jobs().get_job(request).await?;
    Ok(answer.into_inner().job.unwrap())
}

#[tokio::test]
async fn pages_hold_their_place_while_jobs_come_and_go() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let grpc = stack.grpc();
        for number in 0..25 {
            stack.set_time(NOW + number);
            let spider = format!("s{number}");
            grpc.jobs().schedule_job(schedule(&spider)).await.unwrap();
        }
        let (mut request, mut keys) = (
            ListJobsRequest { project: 53, page_size: 10, with_total: true, ..Default::default() },
            Vec::new(),
        );
        let mut sizes = Vec::new();
        loop {
            let page = grpc.jobs().list_jobs(request.clone()).await.unwrap();
            let page = page.into_inner();
            sizes.push((page.jobs.len(), page.total));
            keys.extend(page.jobs.into_iter().map(|job| job.key));
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
            let new = format!("new{}", keys.len());
            grpc.jobs().schedule_job(schedule(&new)).await.unwrap();
        }
        assert_eq!(sizes, [(10, 25), (10, 26), (5, 27)]);
        let expected: Vec<String> = (1..=25).rev().map(|id| format!("53/{id}/1")).collect();
        assert_eq!(keys, expected);

        request.page_token = "nonsense".to_owned();
        let refused = grpc.jobs().list_jobs(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
    })
    .await;
}

#[tokio::test]
async fn jobs_are_tagged_counted_and_streamed() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let grpc = stack.grpc();
        for spider in ["a", "b"] {
            grpc.jobs().schedule_job(schedule(spider)).await.unwrap();
        }
        let tag = UpdateJobsRequest {
            project: 53,
            keys: vec!["53/2/1".to_owned(), "53/9/9".to_owned()],
            tags: Some(TagChanges { add: vec!["x".to_owned()], ..Default::default() }),
            metadata: texts([("note", "[1, 2]")]),
            ..Default::default()
        };
        let tagged = grpc.jobs().update_jobs(tag).await.unwrap().into_inner();
        assert_eq!(tagged.count, 1);
        let filter = JobFilter {
            states: vec![JobState::Pending.into()],
            has_tags: vec!["x".to_owned()],
            ..Default::default()
        };
        let count = CountJobsRequest { project: 53, filter: Some(filter.clone()) };
        let count = grpc.jobs().count_jobs(count).await.unwrap().into_inner();
        assert_eq!(count.total, 1);
        let list = ListQueueRequest {
            project: 53,
            filter: Some(filter),
            view: JobView::Row.into(),
            metadata_fields: vec!["note".to_owned()],
            ..Default::default()
        };
        let mut stream = grpc.queue().list_queue(list).await.unwrap().into_inner();
        stack.set_time(NOW + 5);
        let row = stream.message().await.unwrap().unwrap();
        let job = row.job.unwrap();
        assert_eq!(job.key, "53/2/1");
        assert_eq!(job.metadata["note"], "[1, 2]");
        assert_eq!(stream.message().await.unwrap(), None);
    })
    .await;
}

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

#[tokio::test]
async fn a_request_id_makes_a_repeated_call_harmless() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let grpc = stack.grpc();
        let request = ScheduleJobRequest { request_id: "once".to_owned(), ..schedule("spider") };
        for _ in 0..3 {
            let key = grpc.jobs().schedule_job(request.clone()).await.unwrap();
            assert_eq!(key.into_inner().key, "53/1/1");
        }
        let other = ScheduleJobRequest { spider: "other".to_owned(), ..request };
        let refused = grpc.jobs().schedule_job(other).await.unwrap_err();
        assert_eq!(refused.code(), Code::Aborted, "{refused}");
        let count = CountJobsRequest { project: 53, filter: None };
        let count = grpc.jobs().count_jobs(count).await.unwrap().into_inner();
        assert_eq!(count.total, 1);
    })
    .await;
}
