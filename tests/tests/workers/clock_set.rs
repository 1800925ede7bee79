//! The clock of the machine is set while a server on SQLite runs: no lease ends for that, and none
//! is longer.

use std::time::Duration;

use spiderq_proto::v1::{HeartbeatRequest, StartJobRequest, StartJobResponse};
use spiderq_tests::{Grpc, Preload, Stack, span, sqlite_url};
use tokio::time::interval;

use crate::{push, take};

const PROJECT: i64 = 7;
const HOUR: i64 = 3_600;
/// ms.
const LEASE: i64 = 6_000;

async fn start(grpc: &Grpc, lease_ms: i64) -> StartJobResponse {
    push(grpc, PROJECT, 1).await;
    let request =
        StartJobRequest { project: PROJECT, lease: span(lease_ms), ..StartJobRequest::default() };
    grpc.queue().start_job(request).await.unwrap().into_inner()
}

async fn heartbeat(grpc: &Grpc, started: &StartJobResponse) {
    let request = HeartbeatRequest {
        key: started.job.as_ref().unwrap().key.clone(),
        fence: started.fence.clone(),
        lease: span(LEASE),
        counters: None,
    };
    grpc.queue().heartbeat(request).await.expect("the lease goes on");
}

#[tokio::test]
async fn a_clock_that_is_set_forward_ends_no_living_lease() {
    let clock = Preload::clock();
    let server = clock.serve(&sqlite_url(clock.folder()), &[]);
    let grpc = Grpc::new(&server.url, Stack::KEY);
    let started = start(&grpc, LEASE).await;
    clock.say(&HOUR.to_string());
    // Longer than the lease, and many rounds of the reaper.
    let mut beats = interval(Duration::from_millis(LEASE.unsigned_abs() / 4));
    for _ in 0..6 {
        beats.tick().await;
        heartbeat(&grpc, &started).await;
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_keeps_no_dead_worker_running() {
    let clock = Preload::clock();
    let store = sqlite_url(clock.folder());
    let mut server = clock.serve(&store, &[]);
    let grpc = Grpc::new(&server.url, Stack::KEY);
    let lost = start(&grpc, 1_000).await.job.unwrap();
    clock.say(&(-HOUR).to_string());
    let again = take(&grpc, PROJECT).await.job.unwrap();
    assert_eq!((&again.key, again.attempt), (&lost.key, 2));

    // Also where the server ends meanwhile and starts by the new time of day.
    clock.say("0");
    let lost = start(&grpc, 2_000).await.job.unwrap();
    server.kill();
    clock.say(&(-HOUR).to_string());
    let server = clock.serve(&store, &[]);
    let again = take(&Grpc::new(&server.url, Stack::KEY), PROJECT).await.job.unwrap();
    assert_eq!((&again.key, again.attempt), (&lost.key, 2));
}
