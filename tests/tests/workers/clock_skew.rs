//! Servers whose clocks differ, on one Redis: leases end by the store's clock, neither early nor
//! late.

use std::time::{Duration, Instant};

use spiderq_core::{Clock as _, SystemClock};
use spiderq_proto::v1::{HeartbeatRequest, StartJobRequest};
use spiderq_tests::{
    Grpc, Http, Lateness, Preload, Program, Stack, ms, redis_server::RedisServer, span, sqlite_url,
};

use crate::{push, take};

const PROJECT: i64 = 7;
/// Between the clocks, seconds.
const APART: u64 = 600;
const LEASE: Duration = Duration::from_secs(6);

/// A server whose clock is so many seconds ahead.
fn serve(clock: &Preload, store: &str, ahead: i64) -> Program {
    clock.say(&ahead.to_string());
    clock.serve(store, &[])
}

async fn time_of(server: &Program) -> u64 {
    let http = Http::new(&server.url);
    http.get("/system/ts").await.ok().json().as_u64().unwrap()
}

async fn start(grpc: &Grpc) -> (String, String) {
    let request = StartJobRequest {
        project: PROJECT,
        lease: span(LEASE.as_millis() as i64),
        ..StartJobRequest::default()
    };
    let started = grpc.queue().start_job(request).await.unwrap();
    let started = started.into_inner();
    (started.job.unwrap().key, started.fence)
}

/// The end of the lease after it.
async fn heartbeat(grpc: &Grpc, key: &str, fence: &str) -> i64 {
    let request = HeartbeatRequest {
        key: key.to_owned(),
        fence: fence.to_owned(),
        lease: span(LEASE.as_millis() as i64),
        counters: None,
    };
    let answer = grpc.queue().heartbeat(request).await;
    ms(answer.expect("not returned early").into_inner().lease_expire_time)
}

#[tokio::test]
async fn a_server_goes_by_the_clock_of_its_store() {
    let clock = Preload::clock();
    let alone = sqlite_url(clock.folder());
    let moved = time_of(&serve(&clock, &alone, APART.cast_signed())).await;
    let now = SystemClock.now().0;
    assert!(moved.abs_diff(now + APART * 1000) < 60_000, "the clock is set");
    let redis = RedisServer::start(&[]);
    for ahead in [APART.cast_signed(), -APART.cast_signed()] {
        let told = time_of(&serve(&clock, &redis.url(), ahead)).await;
        assert!(told.abs_diff(SystemClock.now().0) < 60_000, "{ahead} s: {told}");
    }
}

#[tokio::test]
async fn leases_end_in_time_whatever_the_clocks_of_the_servers() {
    let clocks = [Preload::clock(), Preload::clock()];
    let lateness = Lateness::measure();
    let redis = RedisServer::start(&[]);
    let fast = serve(&clocks[0], &redis.url(), APART.cast_signed());
    let slow = serve(&clocks[1], &redis.url(), 0);
    let servers = [&fast, &slow].map(|server| Grpc::new(&server.url, Stack::KEY));
    for (one, other) in [(0, 1), (1, 0)] {
        let (one, other) = (&servers[one], &servers[other]);
        push(one, PROJECT, 1).await;
        let (key, fence) = start(one).await;
        // Longer than the lease: heartbeats through both servers extend it.
        let mut beats = tokio::time::interval(LEASE / 4);
        let mut last = (Instant::now(), 0);
        for beat in 0..6 {
            beats.tick().await;
            let server = if beat % 2 == 0 { one } else { other };
            let sent = Instant::now();
            last = (sent, heartbeat(server, &key, &fence).await);
        }
        let (sent, lease_end) = last;
        let job = take(other, PROJECT).await.job.unwrap();
        assert!(sent.elapsed() >= LEASE, "early by the steady clock");
        let late = ms(job.pending_time) - lease_end;
        let most = 1_000 + lateness.allowance().as_millis() as i64;
        assert!((0..=most).contains(&late), "{late} ms after its lease");
        assert_eq!((job.key, job.attempt), (key, 2));
    }
}
