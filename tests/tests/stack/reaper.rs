//! What becomes of jobs whose leases end. The clock is set by hand; a watch shows when the
//! reaper has done its work.

use serde_json::{Value, json};
use spiderq_proto::v1::{
    HeartbeatRequest, JobCounters, JobState, SetJobMetadataRequest, StartJobRequest,
    StartJobResponse, StopJobsRequest, WatchJobsRequest, WatchJobsResponse,
    watch_jobs_response::Event,
};
use spiderq_tests::{Grpc, Stack, StoreKind, by_keys, span};
use tonic::{Code, Streaming};

use crate::{
    helpers::{NOW, get, schedule, texts},
    on_each_store,
};

/// The events of project 53, from now on.
pub(crate) async fn watch(grpc: &Grpc) -> Streaming<WatchJobsResponse> {
    let request = WatchJobsRequest { project: 53, ..WatchJobsRequest::default() };
    let mut events = grpc.jobs().watch_jobs(request).await.unwrap().into_inner();
    let first = events.message().await.unwrap().unwrap();
    assert!(matches!(first.event, Some(Event::CursorMoved(_))), "{first:?}");
    events
}

/// The next event: the job's key, its state before and after.
pub(crate) async fn next(
    events: &mut Streaming<WatchJobsResponse>,
) -> (String, JobState, JobState) {
    let event = events.message().await.unwrap().unwrap();
    let key = event.job.unwrap_or_default().key;
    match event.event.unwrap() {
        Event::Created(it) => (key, JobState::Unspecified, it.state()),
        Event::StateChanged(it) => (key, it.previous_state(), it.state()),
        event @ (Event::StopRequested(_)
        | Event::Restored(_)
        | Event::Purged(_)
        | Event::CursorMoved(_)
        | Event::Progress(_)) => panic!("{event:?}"),
    }
}

pub(crate) async fn start(grpc: &Grpc, lease_ms: i64) -> StartJobResponse {
    let request =
        StartJobRequest { project: 53, lease: span(lease_ms), ..StartJobRequest::default() };
    grpc.queue().start_job(request).await.unwrap().into_inner()
}

pub(crate) async fn beat(grpc: &Grpc, started: &StartJobResponse) -> Result<bool, Code> {
    let request = HeartbeatRequest {
        key: started.job.as_ref().unwrap().key.clone(),
        fence: started.fence.clone(),
        lease: span(1_000),
        counters: Some(JobCounters { items: Some(7), ..JobCounters::default() }),
    };
    let answer = grpc.queue().heartbeat(request).await;
    answer.map(|answer| answer.into_inner().stop_requested).map_err(|status| status.code())
}

pub(crate) async fn stop(grpc: &Grpc, key: &str) {
    let request = StopJobsRequest { filter: by_keys([key]), ..StopJobsRequest::default() };
    grpc.jobs().stop_jobs(request).await.unwrap();
}

pub(crate) async fn metadata(stack: &Stack, key: &str) -> Value {
    stack.http().get(&format!("/jobs/{key}")).await.ok().json()
}

pub(crate) const ENDED: (JobState, JobState) = (JobState::Running, JobState::Finished);
const BACK: (JobState, JobState) = (JobState::Running, JobState::Pending);

pub(crate) fn event(
    key: &str,
    (previous, state): (JobState, JobState),
) -> (String, JobState, JobState) {
    (key.to_owned(), previous, state)
}

/// A job that is lost again and again, ahead of another that came before it.
#[tokio::test]
async fn a_lost_job_returns_to_the_front_until_max_attempts() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let grpc = stack.grpc();
        stack.http().post("/projects/53/settings/max_attempts", "2").await.ok();
        grpc.jobs().schedule_job(schedule("a")).await.unwrap();
        let started = start(&grpc, 1_000).await;
        let before = metadata(&stack, "53/1/1").await;
        grpc.jobs().schedule_job(schedule("b")).await.unwrap();
        assert_eq!(beat(&grpc, &started).await, Ok(false));
        let write = SetJobMetadataRequest {
            key: "53/1/1".to_owned(),
            metadata_json: texts([("scrapystats", r#"{"log_count/ERROR": 2}"#), ("note", "1")]),
            fence: started.fence.clone(),
            ..SetJobMetadataRequest::default()
        };
        grpc.jobs().set_job_metadata(write).await.unwrap();
        let mut events = watch(&grpc).await;
        stack.set_time(NOW + 1_000);
        assert_eq!(next(&mut events).await, event("53/1/1", BACK));
        let after = metadata(&stack, "53/1/1").await;
        let mut expected = before.clone();
        let fields = expected.as_object_mut().unwrap();
        fields.remove("running_time");
        fields.remove("started_by");
        fields.insert("state".to_owned(), json!("pending"));
        fields.insert("note".to_owned(), json!(1));
        fields.insert("pending_time".to_owned(), json!(NOW + 1_000));
        assert_eq!(after, expected);
        let counters = get(&grpc, "53/1/1").await.unwrap().counters.unwrap();
        assert_eq!((counters.items, counters.errors), (Some(0), Some(0)));
        assert_eq!(beat(&grpc, &started).await, Err(Code::FailedPrecondition));

        let again = start(&grpc, 1_000).await;
        let job = again.job.clone().unwrap();
        assert_eq!((job.key.as_str(), job.attempt), ("53/1/1", 2));
        assert_eq!(
            next(&mut events).await,
            event("53/1/1", (JobState::Pending, JobState::Running))
        );
        assert_eq!(beat(&grpc, &started).await, Err(Code::FailedPrecondition));
        assert_eq!(beat(&grpc, &again).await, Ok(false));
        stack.set_time(NOW + 2_000);
        assert_eq!(next(&mut events).await, event("53/1/1", ENDED));
        let lost = metadata(&stack, "53/1/1").await;
        assert_eq!(lost["close_reason"], "lost");
        assert_eq!(lost["completed_by"], "spiderq");
        assert_eq!(lost["finished_time"], NOW + 2_000);
        assert_eq!(beat(&grpc, &again).await, Err(Code::FailedPrecondition));
        assert_eq!(start(&grpc, 1_000).await.job.unwrap().key, "53/2/1");
    })
    .await;
}

#[tokio::test]
async fn a_lost_job_is_finished_by_on_lost_and_cancelled_after_a_stop() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let grpc = stack.grpc();
        for spider in ["a", "b"] {
            grpc.jobs().schedule_job(schedule(spider)).await.unwrap();
            start(&grpc, 1_000).await;
        }
        stop(&grpc, "53/2/1").await;
        stack.http().post("/projects/53/settings", r#"{"on_lost":"finish"}"#).await.ok();
        let mut events = watch(&grpc).await;
        stack.set_time(NOW + 999);
        grpc.jobs().schedule_job(schedule("c")).await.unwrap();
        assert_eq!(
            next(&mut events).await,
            event("53/3/1", (JobState::Unspecified, JobState::Pending)),
            "no lease has ended"
        );
        stack.set_time(NOW + 1_000);
        let mut ended = [next(&mut events).await, next(&mut events).await];
        ended.sort_by(|one, other| one.0.cmp(&other.0));
        assert_eq!(ended, [event("53/1/1", ENDED), event("53/2/1", ENDED)]);
        let reasons =
            |job: &Value| json!([job["close_reason"], job["cancelled_by"], job["completed_by"]]);
        let lost = metadata(&stack, "53/1/1").await;
        assert_eq!(reasons(&lost), json!(["lost", null, "spiderq"]));
        let cancelled = metadata(&stack, "53/2/1").await;
        assert_eq!(reasons(&cancelled), json!(["cancelled", "admin", "spiderq"]));
    })
    .await;
}

/// More than two batches of jobs in each of two projects, and a reaper in each of two servers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_reapers_return_each_job_once() {
    let one = Stack::at(StoreKind::Redis, NOW).await;
    let other = one.another().await;
    let lines = vec![r#"{"spider":"s"}"#; 250].join("\n");
    for project in [53, 54] {
        let path = format!("/jobq/{project}/push");
        one.http().post(&path, lines.clone()).await.ok();
        for _ in 0..250 {
            let request =
                StartJobRequest { project, lease: span(1_000), ..StartJobRequest::default() };
            other.grpc().queue().start_job(request).await.unwrap();
        }
    }
    let mut events = watch(&one.grpc()).await;
    one.set_time(NOW + 1_000);
    let mut back = std::collections::BTreeSet::new();
    for _ in 0..250 {
        let (key, previous, state) = next(&mut events).await;
        assert_eq!((previous, state), BACK);
        assert!(back.insert(key));
    }
    // Each is taken once more, as its second attempt.
    for project in [53, 54] {
        for _ in 0..250 {
            let request =
                StartJobRequest { project, wait: span(10_000), ..StartJobRequest::default() };
            let job = one.grpc().queue().start_job(request).await.unwrap();
            assert_eq!(job.into_inner().job.unwrap().attempt, 2);
        }
        let path = format!("/jobq/{project}/count?state=pending");
        assert_eq!(one.http().get(&path).await.ok().json(), 0);
    }
}
