//! Workers that are killed: their jobs return in time, and start once more.

use std::collections::{BTreeMap, BTreeSet};

use rustix::process::Signal;
use spiderq_core::{Clock as _, SystemClock};
use spiderq_tests::{Lateness, Stack, ms};

use crate::{on_each_store, push, take, worker::Worker};

const PROJECT: i64 = 7;
/// Workers that die.
const WORKERS: usize = 50;
/// Their lease, ms: a heartbeat comes in time on a busy machine.
const LEASE: u64 = 5_000;
/// By when a job is pending again after the end of its lease, ms, on a machine that is not late.
const BACK: u64 = 1_000;

/// What is known of the last lease of a job, ms since the epoch.
struct Held {
    /// It ended no sooner.
    after: u64,
    /// And no later.
    before: u64,
}

#[tokio::test]
async fn jobs_of_killed_workers_return_in_time_and_once() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let grpc = stack.grpc();
        let lateness = Lateness::measure();
        let keys = push(&grpc, PROJECT, WORKERS).await;
        let workers: Vec<Worker> =
            (0..WORKERS).map(|_| Worker::start(&stack.url, PROJECT, LEASE.cast_signed())).collect();
        let killing = tokio::task::spawn_blocking(move || kill_all(workers));
        let held = killing.await.unwrap();
        let mut back = BTreeSet::new();
        for _ in 0..WORKERS {
            let job = take(&grpc, PROJECT).await.job.unwrap();
            assert_eq!(job.attempt, 2);
            let returned = ms(job.pending_time).cast_unsigned();
            let Held { after, before } = held[&job.key];
            assert!(returned >= after, "{}: {returned} < {after}", job.key);
            let latest = before + BACK + lateness.allowance().as_millis() as u64;
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
