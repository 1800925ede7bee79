//! Servers whose clocks differ, on one Redis: leases end by the store's clock, neither early nor
//! late.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use spiderq_core::{Clock as _, SystemClock};
use spiderq_proto::v1::{HeartbeatRequest, StartJobRequest};
use spiderq_tests::{
    Grpc, Http, Lateness, Program, Stack, ms, redis_server::RedisServer, span, sqlite_url,
};
use tempfile::TempDir;

use crate::{push, take};

const PROJECT: i64 = 7;
/// Between the clocks, seconds.
const APART: u64 = 600;
const LEASE: Duration = Duration::from_secs(6);

/// What sets a program's clock, built by the C compiler that Rust needs anyway.
struct Ahead {
    library: String,
    folder: TempDir,
}

impl Ahead {
    fn build() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("ahead.so").display().to_string();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/clock/ahead.c");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-o", &library])
            .arg(source)
            .arg("-ldl")
            .status();
        assert!(built.expect("a C compiler").success());
        Self { library, folder }
    }

    /// A server whose clock is so many seconds ahead.
    fn serve(&self, store: &str, ahead: i64) -> Program {
        let ahead = ahead.to_string();
        let environment = [("LD_PRELOAD", self.library.as_str()), ("CLOCK_AHEAD", ahead.as_str())];
        Program::serve_in(&environment, store, &[])
    }
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
    let clocks = Ahead::build();
    let alone = sqlite_url(clocks.folder.path());
    let moved = time_of(&clocks.serve(&alone, APART.cast_signed())).await;
    let now = SystemClock.now().0;
    assert!(moved.abs_diff(now + APART * 1000) < 60_000, "the clock is set");
    let redis = RedisServer::start(&[]);
    for ahead in [APART.cast_signed(), -APART.cast_signed()] {
        let told = time_of(&clocks.serve(&redis.url(), ahead)).await;
        assert!(told.abs_diff(SystemClock.now().0) < 60_000, "{ahead} s: {told}");
    }
}

#[tokio::test]
async fn leases_end_in_time_whatever_the_clocks_of_the_servers() {
    let clocks = Ahead::build();
    let lateness = Lateness::measure();
    let redis = RedisServer::start(&[]);
    let fast = clocks.serve(&redis.url(), APART.cast_signed());
    let slow = clocks.serve(&redis.url(), 0);
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
