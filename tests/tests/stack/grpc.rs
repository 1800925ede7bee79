//! The gRPC API through its generated client over real TCP: the whole life of a job, and
//! what goes wrong in it.

use std::collections::BTreeMap;

use spiderq_proto::v1::{
    CountJobsRequest, DeleteJobsRequest, GetJobRequest, GetJobTokenRequest, HeartbeatRequest, Job,
    JobCounters, JobError, JobFilter, JobState, JobUpdate, JobView, ListJobsRequest,
    ListQueueRequest, PurgeJobRequest, Role, ScheduleJobRequest, SetJobMetadataRequest,
    StartJobRequest, StopJobsRequest, TagChanges, UpdateJobsRequest, UpdateQueueRequest, job_error,
};
use spiderq_tests::{Grpc, Stack};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::on_each_store;

/// The stacks' clock stands here, ms since the epoch.
const NOW: u64 = 1_566_311_800_654;

fn texts<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

fn schedule(spider: &str) -> ScheduleJobRequest {
    ScheduleJobRequest {
        project: 53,
        spider: spider.to_owned(),
        ..Default::default()
    }
}

async fn get(grpc: &Grpc, key: &str) -> Result<Job, Status> {
    let request = GetJobRequest {
        key: key.to_owned(),
    };
    let answer = grpc.jobs().get_job(request).await?;
    Ok(answer.into_inner().job.unwrap())
}

async fn update(grpc: &Grpc, update: JobUpdate) -> Option<JobError> {
    let request = UpdateQueueRequest {
        project: 53,
        updates: vec![update],
        ..Default::default()
    };
    let answer = grpc.queue().update_queue(request).await.unwrap();
    answer.into_inner().results.remove(0).error
}

fn finish(key: &str, fence: &str) -> JobUpdate {
    JobUpdate {
        key: key.to_owned(),
        state: JobState::Finished.into(),
        metadata: texts([("scrapystats", r#"{"finish_time": 1566311822568.0}"#)]),
        close_reason: Some("finished".to_owned()),
        fence: fence.to_owned(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_job_lives_from_schedule_to_purge() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let grpc = stack.grpc();
        let request = ScheduleJobRequest {
            priority: Some(3),
            units: Some(2),
            tags: vec!["a".to_owned()],
            spider_args: texts([("arg1", "val1")]),
            job_settings: Some(r#"{"B": 1.0, "A": 18446744073709551615}"#.to_owned()),
            version: Some("v1".to_owned()),
            ..schedule("spider")
        };
        let key = grpc.jobs().schedule_job(request).await.unwrap();
        let key = key.into_inner().key;
        assert_eq!(key, "53/1/1");

        stack.set_time(NOW + 1_000);
        let start = StartJobRequest {
            project: 53,
            lease_ms: Some(10_000),
            metadata: texts([("worker", r#""w1""#)]),
            ..Default::default()
        };
        let started = grpc.queue().start_job(start).await.unwrap().into_inner();
        let job = started.job.unwrap();
        assert_eq!((job.key.as_str(), job.attempt), (key.as_str(), 1));
        assert_eq!(job.state(), JobState::Running);
        assert_eq!(job.metadata["worker"], r#""w1""#);
        assert_eq!(
            job.metadata["job_settings"],
            r#"{"B": 1.0, "A": 18446744073709551615}"#
        );
        assert_eq!(started.lease_expires, NOW as i64 + 11_000);

        stack.set_time(NOW + 5_000);
        let heartbeat = HeartbeatRequest {
            key: key.clone(),
            fence: started.fence.clone(),
            counters: Some(JobCounters {
                items: Some(7),
                ..Default::default()
            }),
            ..Default::default()
        };
        let alive = grpc.queue().heartbeat(heartbeat.clone()).await.unwrap();
        assert_eq!(alive.get_ref().lease_expires, NOW as i64 + 15_000);
        assert!(!alive.get_ref().stop_requested);
        let stop = StopJobsRequest {
            project: 53,
            keys: vec![key.clone()],
        };
        let stopped = grpc.jobs().stop_jobs(stop).await.unwrap();
        assert_eq!(stopped.into_inner().count, 1);
        let alive = grpc.queue().heartbeat(heartbeat).await.unwrap();
        assert!(alive.into_inner().stop_requested);

        let refused = update(&grpc, finish(&key, &"0".repeat(32))).await.unwrap();
        assert_eq!(refused.code(), job_error::Code::StaleFence);
        assert_eq!(get(&grpc, &key).await.unwrap().state(), JobState::Running);
        assert_eq!(update(&grpc, finish(&key, &started.fence)).await, None);
        let job = get(&grpc, &key).await.unwrap();
        assert_eq!(job.state(), JobState::Finished);
        assert_eq!(job.close_reason, "finished");
        assert_eq!(job.counters.unwrap().items, Some(0), "of the last stats");
        assert_eq!(
            job.metadata["scrapystats"],
            r#"{"finish_time": 1566311822568.0}"#
        );
        let late = update(&grpc, finish(&key, &started.fence)).await.unwrap();
        assert_eq!(late.code(), job_error::Code::StaleFence);
        delete_and_purge(&grpc, &key).await;
    })
    .await;
}

async fn delete_and_purge(grpc: &Grpc, key: &str) {
    let purge = PurgeJobRequest {
        key: key.to_owned(),
    };
    let early = grpc.jobs().purge_job(purge.clone()).await.unwrap_err();
    assert_eq!(early.code(), Code::FailedPrecondition);
    let delete = DeleteJobsRequest {
        project: 53,
        keys: vec![key.to_owned()],
    };
    let deleted = grpc.jobs().delete_jobs(delete).await.unwrap();
    assert_eq!(deleted.into_inner().count, 1);
    assert_eq!(get(grpc, key).await.unwrap().state(), JobState::Deleted);
    grpc.jobs().purge_job(purge.clone()).await.unwrap();
    grpc.jobs().purge_job(purge).await.unwrap();
    assert_eq!(get(grpc, key).await.unwrap_err().code(), Code::NotFound);
    let next = grpc.jobs().schedule_job(schedule("spider")).await.unwrap();
    assert_eq!(next.into_inner().key, "53/1/2", "no number is given twice");
}

#[tokio::test]
async fn a_stale_heartbeat_and_a_stale_write_are_failed_preconditions() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let grpc = stack.grpc();
        grpc.jobs().schedule_job(schedule("spider")).await.unwrap();
        let start = StartJobRequest {
            project: 53,
            lease_ms: Some(1_000),
            ..Default::default()
        };
        let started = grpc.queue().start_job(start).await.unwrap().into_inner();
        let heartbeat = |fence: &str| HeartbeatRequest {
            key: "53/1/1".to_owned(),
            fence: fence.to_owned(),
            ..Default::default()
        };
        let write = |fence: &str| SetJobMetadataRequest {
            key: "53/1/1".to_owned(),
            metadata: texts([("note", "1")]),
            fence: fence.to_owned(),
        };
        let other = "f".repeat(32);
        let refused = grpc.queue().heartbeat(heartbeat(&other)).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        let refused = grpc
            .jobs()
            .set_job_metadata(write(&other))
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        grpc.queue()
            .heartbeat(heartbeat(&started.fence))
            .await
            .unwrap();

        stack.set_time(NOW + 1_000);
        let late = grpc.queue().heartbeat(heartbeat(&started.fence)).await;
        assert_eq!(late.unwrap_err().code(), Code::FailedPrecondition);
        let late = grpc.jobs().set_job_metadata(write(&started.fence)).await;
        assert_eq!(late.unwrap_err().code(), Code::FailedPrecondition);
        let job = get(&grpc, "53/1/1").await.unwrap();
        assert!(!job.metadata.contains_key("note"));
    })
    .await;
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
            ListJobsRequest {
                project: 53,
                page_size: 10,
                with_total: true,
                ..Default::default()
            },
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
            tags: Some(TagChanges {
                add: vec!["x".to_owned()],
                ..Default::default()
            }),
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
        let count = CountJobsRequest {
            project: 53,
            filter: Some(filter.clone()),
        };
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
        let request = ScheduleJobRequest {
            units: Some(7),
            ..schedule("spider")
        };
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

        let request = GetJobTokenRequest {
            key: "53/1/1".to_owned(),
        };
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
        let request = ScheduleJobRequest {
            request_id: "once".to_owned(),
            ..schedule("spider")
        };
        for _ in 0..3 {
            let key = grpc.jobs().schedule_job(request.clone()).await.unwrap();
            assert_eq!(key.into_inner().key, "53/1/1");
        }
        let other = ScheduleJobRequest {
            spider: "other".to_owned(),
            ..request
        };
        let refused = grpc.jobs().schedule_job(other).await.unwrap_err();
        assert_eq!(refused.code(), Code::Aborted, "{refused}");
        let count = CountJobsRequest {
            project: 53,
            filter: None,
        };
        let count = grpc.jobs().count_jobs(count).await.unwrap().into_inner();
        assert_eq!(count.total, 1);
    })
    .await;
}
