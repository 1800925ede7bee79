//! The whole life of a job over gRPC: schedule, start with a lease, heartbeats, stop, finish with
//! the fence, delete, purge.

use spiderq_proto::{
    RpcStatus,
    v1::{
        HeartbeatRequest, JobCounters, JobState, JobUpdate, NewJob, ScheduleJobRequest,
        StartJobRequest, StopJobsRequest, UpdateQueueRequest,
    },
};
use spiderq_tests::{Grpc, Stack, by_keys, item_error, job_of, ms, span, update_error, update_of};
use tonic::Code;

use crate::{
    delete::delete_and_purge,
    helpers::{NOW, get, schedule, scheduled, texts},
    on_each_store,
};

async fn update(grpc: &Grpc, update: JobUpdate) -> Option<RpcStatus> {
    let request = UpdateQueueRequest { updates: vec![update], ..Default::default() };
    let answer = grpc.queue().update_queue(request).await.unwrap();
    update_error(&answer.into_inner().results[0])
}

fn is_stale(error: &RpcStatus) -> bool {
    let (code, reason, _) = item_error(error);
    (code, reason.as_str()) == (Code::FailedPrecondition, "STALE_FENCE")
}

fn finish(key: &str, fence: &str) -> JobUpdate {
    JobUpdate {
        state: JobState::Finished.into(),
        metadata_json: texts([("scrapystats", r#"{"finish_time": 1566311822568.0}"#)]),
        close_reason: Some("finished".to_owned()),
        fence: fence.to_owned(),
        ..update_of(key)
    }
}

/// Schedules a job with all that a schedule can say.
async fn schedule_all(grpc: &Grpc) -> String {
    let job = NewJob {
        priority: Some(3),
        units: Some(2),
        tags: vec!["a".to_owned()],
        spider_args: texts([("arg1", "val1")]),
        job_settings_json: r#"{"B": 1.0, "A": 18446744073709551615}"#.to_owned(),
        version: "v1".to_owned(),
        ..job_of("spider")
    };
    let request = ScheduleJobRequest { job: Some(job), ..schedule("spider") };
    scheduled(grpc, request).await.unwrap()
}

/// Starts it with a lease of ten seconds; its fence.
async fn started(grpc: &Grpc, key: &str) -> String {
    let start = StartJobRequest {
        project: 53,
        lease: span(10_000),
        metadata_json: texts([("worker", r#""w1""#)]),
        ..Default::default()
    };
    let started = grpc.queue().start_job(start).await.unwrap().into_inner();
    let job = started.job.unwrap();
    assert_eq!((job.key.as_str(), job.attempt), (key, 1));
    assert_eq!(job.state(), JobState::Running);
    assert_eq!((job.priority, job.units), (3, 2));
    assert_eq!(job.tags, ["a"]);
    for (name, json) in [
        ("worker", r#""w1""#),
        ("spider_args", r#"{"arg1":"val1"}"#),
        ("job_settings", r#"{"B": 1.0, "A": 18446744073709551615}"#),
        ("version", r#""v1""#),
    ] {
        assert_eq!(job.metadata_json[name], json, "{name}");
    }
    assert_eq!(job.spider_args, texts([("arg1", "val1")]));
    assert_eq!(job.job_settings_json, r#"{"B": 1.0, "A": 18446744073709551615}"#);
    assert_eq!(job.version, "v1");
    assert_eq!(ms(started.lease_expire_time), NOW as i64 + 11_000);
    started.fence
}

/// Beats before and after a stop is asked for.
async fn asked_to_stop(grpc: &Grpc, key: &str, fence: &str) {
    let heartbeat = HeartbeatRequest {
        key: key.to_owned(),
        fence: fence.to_owned(),
        lease: span(10_000),
        counters: Some(JobCounters { items: Some(7), ..Default::default() }),
    };
    let alive = grpc.queue().heartbeat(heartbeat.clone()).await.unwrap();
    assert_eq!(ms(alive.get_ref().lease_expire_time), NOW as i64 + 15_000);
    assert!(!alive.get_ref().stop_requested);
    let stop = StopJobsRequest { filter: by_keys([key]), ..Default::default() };
    let stopped = grpc.jobs().stop_jobs(stop).await.unwrap();
    assert_eq!(stopped.into_inner().count, 1);
    let alive = grpc.queue().heartbeat(heartbeat).await.unwrap();
    assert!(alive.into_inner().stop_requested);
    let job = get(grpc, key).await.unwrap();
    assert_eq!(job.counters.unwrap().items, Some(7));
}

/// Finishes it, which only the holder of the fence can, and once.
async fn finished(grpc: &Grpc, key: &str, fence: &str) {
    let refused = update(grpc, finish(key, &"0".repeat(32))).await.unwrap();
    assert!(is_stale(&refused), "{refused:?}");
    assert_eq!(get(grpc, key).await.unwrap().state(), JobState::Running);
    assert_eq!(update(grpc, finish(key, fence)).await, None);
    let job = get(grpc, key).await.unwrap();
    assert_eq!(job.state(), JobState::Finished);
    assert_eq!(job.close_reason, "finished");
    assert_eq!(job.counters.unwrap().items, Some(0), "of the last stats");
    assert_eq!(job.metadata_json["scrapystats"], job.scrapystats_json);
    assert_eq!(job.scrapystats_json, r#"{"finish_time": 1566311822568.0}"#);
    let late = update(grpc, finish(key, fence)).await.unwrap();
    assert!(is_stale(&late), "{late:?}");
}

#[tokio::test]
async fn a_job_goes_from_schedule_to_purge() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let grpc = stack.grpc();
        let key = schedule_all(&grpc).await;
        assert_eq!(key, "53/1/1");
        stack.set_time(NOW + 1_000);
        let fence = started(&grpc, &key).await;
        stack.set_time(NOW + 5_000);
        asked_to_stop(&grpc, &key, &fence).await;
        finished(&grpc, &key, &fence).await;
        delete_and_purge(&grpc, &key).await;
    })
    .await;
}
