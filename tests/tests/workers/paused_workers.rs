//! Workers that pause past the end of their lease and go on: whatever they write is refused, and
//! the new holder of the job sees nothing of it.

use std::collections::BTreeMap;

use rustix::process::Signal;
use spiderq_proto::v1::{
    GetJobRequest, HeartbeatRequest, JobState, JobUpdate, StartJobResponse, UpdateQueueRequest,
};
use spiderq_tests::{Grpc, Stack, span, update_error, update_of};

use crate::{on_each_store, push, take, worker::Worker};

const PROJECT: i64 = 7;
/// Workers that pause.
const WORKERS: usize = 100;
/// Their lease, ms: none ends before all workers have started, on a busy machine.
const LEASE: i64 = 10_000;

#[tokio::test]
async fn writes_of_a_worker_that_paused_past_its_lease_are_refused() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let grpc = stack.grpc();
        push(&grpc, PROJECT, WORKERS).await;
        let workers: Vec<Worker> =
            (0..WORKERS).map(|_| Worker::start(&stack.url, PROJECT, LEASE)).collect();
        let pausing = tokio::task::spawn_blocking(move || {
            let pause = |worker: Worker| {
                let worker = worker.has_job();
                worker.signal(Signal::STOP);
                worker
            };
            workers.into_iter().map(pause).collect::<Vec<_>>()
        });
        let workers = pausing.await.unwrap();
        let mut owned = BTreeMap::new();
        for _ in 0..WORKERS {
            let mine = take(&grpc, PROJECT).await;
            owned.insert(mine.job.as_ref().unwrap().key.clone(), mine);
        }
        assert_eq!(owned.len(), WORKERS);
        let waking = tokio::task::spawn_blocking(move || {
            for worker in &workers {
                worker.signal(Signal::CONT);
            }
            let mut workers = workers;
            workers.iter_mut().map(Worker::rest).collect::<Vec<_>>()
        });
        for said in waking.await.unwrap() {
            let expected = [
                "heartbeat FailedPrecondition STALE_FENCE",
                "finish FailedPrecondition STALE_FENCE",
                "metadata FailedPrecondition STALE_FENCE",
                "field FailedPrecondition STALE_FENCE",
            ];
            assert_eq!(said, expected);
        }
        for (key, mine) in owned {
            stays_the_owner(&grpc, &key, mine).await;
        }
    })
    .await;
}

/// The job is as its new holder started it, and the holder can go on and finish it.
async fn stays_the_owner(grpc: &Grpc, key: &str, mine: StartJobResponse) {
    let request = GetJobRequest { key: key.to_owned() };
    let job = grpc.jobs().get_job(request).await.unwrap().into_inner();
    assert_eq!(job.job, mine.job);
    assert_eq!(job.job.unwrap().attempt, 2);
    let beat = HeartbeatRequest {
        key: key.to_owned(),
        fence: mine.fence.clone(),
        lease: span(60_000),
        counters: None,
    };
    grpc.queue().heartbeat(beat).await.unwrap();
    let (state, fence) = (JobState::Finished.into(), mine.fence);
    let update = JobUpdate { state, fence, ..update_of(key) };
    let request = UpdateQueueRequest { updates: vec![update], ..Default::default() };
    let done = grpc.queue().update_queue(request).await.unwrap();
    let done = done.into_inner().results;
    assert_eq!(done.len(), 1);
    assert_eq!(update_error(&done[0]), None);
}
