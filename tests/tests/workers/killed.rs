//! Workers that die: their jobs come back in time, and to one other worker.

use std::collections::{BTreeMap, BTreeSet};

use rustix::process::Signal;
use spiderq_core::{Clock as _, SystemClock};
use spiderq_tests::Stack;

use crate::{on_each_store, push, take, worker::Worker};

const PROJECT: i64 = 7;
/// Workers that die.
const WORKERS: usize = 50;
/// Their lease, ms.
const LEASE: u64 = 2_000;
/// By when a job is back after the end of its lease, ms.
const BACK: u64 = 1_000;

/// What is known of the last lease of a job, ms since the epoch.
struct Held {
    /// It ended no sooner.
    after: u64,
    /// And no later.
    before: u64,
}

#[tokio::test]
async fn jobs_of_killed_workers_come_back_in_time_and_once() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let grpc = stack.grpc();
        let keys = push(&grpc, PROJECT, WORKERS).await;
        let workers: Vec<Worker> =
            (0..WORKERS).map(|_| Worker::start(&stack.url, PROJECT, LEASE.cast_signed())).collect();
        let killing = tokio::task::spawn_blocking(move || kill_all(workers));
        let held = killing.await.unwrap();
        let mut back = BTreeSet::new();
        for _ in 0..WORKERS {
            let job = take(&grpc, PROJECT).await.job.unwrap();
            assert_eq!(job.attempt, 2);
            let returned = job.pending_time.cast_unsigned();
            let Held { after, before } = held[&job.key];
            assert!(returned >= after, "{}: {returned} < {after}", job.key);
            let latest = before + BACK;
            assert!(returned <= latest, "{}: {returned} > {latest}", job.key);
            assert!(back.insert(job.key), "given out twice");
        }
        assert_eq!(back, keys.into_iter().collect());
    })
    .await;
}

/// Kills each after a different number of heartbeats.
fn kill_all(workers: Vec<Worker>) -> BTreeMap<String, Held> {
    let kill = |(number, worker): (usize, Worker)| {
        let mut worker = worker.has_job();
        let mut after = worker.lease_end;
        for _ in 0..number % 3 {
            after = worker.beat();
        }
        worker.signal(Signal::KILL);
        // A heartbeat may have been on its way.
        let before = SystemClock.now().0 + LEASE;
        (worker.key.clone(), Held { after, before })
    };
    workers.into_iter().enumerate().map(kill).collect()
}
