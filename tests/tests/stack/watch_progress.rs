//! Progress of running jobs, and watches of all projects. How often progress is told, the tests of
//! `service/src/domain/progress.rs` say.

use spiderq_proto::v1::{watch_jobs_response::Event, *};
use spiderq_tests::{Grpc, Stack, StoreKind, TIMEOUT, job_of};
use tokio::time::timeout;
use tonic::Code;

use crate::{on_each_store, watch::Events};

async fn watch(grpc: &Grpc, request: WatchJobsRequest) -> Events {
    grpc.jobs().watch_jobs(request).await.unwrap().into_inner()
}

async fn next(events: &mut Events) -> WatchJobsResponse {
    timeout(TIMEOUT, events.message()).await.expect("a message").unwrap().unwrap()
}

/// Key, attempt and items of the next message, which tells progress.
async fn progress(events: &mut Events) -> (String, i32, Option<i64>) {
    let message = next(events).await;
    let Some(Event::Progress(told)) = message.event else { panic!("{message:?}") };
    assert!(!message.cursor.is_empty());
    (message.job.unwrap().key, told.attempt, told.counters.and_then(|counters| counters.items))
}

async fn push(grpc: &Grpc, project: i64) {
    let push = PushJobsRequest { project, jobs: vec![job_of("s")], ..Default::default() };
    grpc.queue().push_jobs(push).await.unwrap();
}

async fn start(grpc: &Grpc, project: i64) -> StartJobResponse {
    push(grpc, project).await;
    let start = StartJobRequest { project, ..Default::default() };
    grpc.queue().start_job(start).await.unwrap().into_inner()
}

async fn beat(grpc: &Grpc, started: &StartJobResponse, items: i64) {
    let heartbeat = HeartbeatRequest {
        key: started.job.as_ref().unwrap().key.clone(),
        fence: started.fence.clone(),
        counters: Some(JobCounters { items: Some(items), ..Default::default() }),
        ..Default::default()
    };
    grpc.queue().heartbeat(heartbeat).await.unwrap();
}

#[tokio::test]
async fn heartbeats_become_progress_for_who_asked_for_it() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let grpc = stack.grpc();
        let started = start(&grpc, 53).await;
        let request = WatchJobsRequest { project: 53, progress: true, ..Default::default() };
        let mut events = watch(&grpc, request).await;
        let plain = WatchJobsRequest { project: 53, ..Default::default() };
        let mut without = watch(&grpc, plain).await;
        for events in [&mut events, &mut without] {
            assert!(matches!(next(events).await.event, Some(Event::CursorMoved(_))));
        }
        let mut told = Vec::new();
        for items in 1..=3 {
            beat(&grpc, &started, 10 * items).await;
            told.push(progress(&mut events).await);
        }
        let expected = [10, 20, 30].map(|items| ("53/1/1".to_owned(), 1, Some(items)));
        assert_eq!(told, expected);
        // Who did not ask for it gets events alone.
        push(&grpc, 53).await;
        for events in [&mut events, &mut without] {
            assert!(matches!(next(events).await.event, Some(Event::Created(_))));
        }
    })
    .await;
}

#[tokio::test]
async fn the_progress_of_another_process_is_told() {
    let one = Stack::start(StoreKind::Redis).await;
    let other = one.another().await;
    let started = start(&other.grpc(), 53).await;
    let request = WatchJobsRequest { project: 53, progress: true, ..Default::default() };
    let mut events = watch(&one.grpc(), request).await;
    next(&mut events).await;
    beat(&other.grpc(), &started, 7).await;
    assert_eq!(progress(&mut events).await, ("53/1/1".to_owned(), 1, Some(7)));
}

#[tokio::test]
async fn all_projects_are_watched_by_one_call() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let grpc = stack.grpc();
        push(&grpc, 1).await;
        push(&grpc, 2).await;
        let all = WatchJobsRequest { all_projects: true, progress: true, ..Default::default() };
        let mut events = watch(&grpc, all.clone()).await;
        let mut cursors = Vec::new();
        for project in ["1-", "2-"] {
            let message = next(&mut events).await;
            assert!(message.cursor.starts_with(project), "{message:?}");
            cursors.push(message.cursor);
        }
        let started = start(&grpc, 2).await;
        let mut seen = Vec::new();
        for _ in 0..2 {
            seen.push(next(&mut events).await.job.unwrap().key);
        }
        assert_eq!(seen, ["2/1/2", "2/1/1"]);
        beat(&grpc, &started, 4).await;
        assert_eq!(progress(&mut events).await, ("2/1/1".to_owned(), 1, Some(4)));
        // It goes on where each project was.
        drop(events);
        let mut again = watch(&grpc, WatchJobsRequest { cursors, ..all }).await;
        let mut seen = Vec::new();
        while seen.len() < 2 {
            let message = next(&mut again).await;
            seen.extend(message.job.map(|job| job.key));
        }
        assert_eq!(seen, ["2/1/2", "2/1/1"]);
        // A new project is told of without being asked for.
        push(&grpc, 3).await;
        assert!(next(&mut again).await.cursor.starts_with("3-"));
    })
    .await;
}

#[tokio::test]
async fn a_key_of_some_projects_watches_those_until_it_is_revoked() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    let grpc = stack.grpc();
    let ann = Grpc::new(&stack.url, &stack.create_key("ann", Role::Read, &[2]).await);
    let all = WatchJobsRequest { all_projects: true, ..Default::default() };
    let mut events = watch(&ann, all).await;
    assert!(next(&mut events).await.cursor.starts_with("2-"));
    push(&grpc, 1).await;
    push(&grpc, 2).await;
    assert_eq!(next(&mut events).await.job.unwrap().key, "2/1/1");
    let listed = grpc.api_keys().list_api_keys(ListApiKeysRequest::default()).await.unwrap();
    let id = listed.into_inner().api_keys.into_iter().find(|key| key.owner == "ann").unwrap().id;
    grpc.api_keys().revoke_api_key(RevokeApiKeyRequest { id }).await.unwrap();
    let end = timeout(TIMEOUT, events.message()).await.unwrap().unwrap_err();
    assert_eq!(end.code(), Code::Unauthenticated);
}
