//! One durable server is away for a while: no call hangs, nothing acknowledged is lost, memory
//! stays where it was, and all goes on by itself.

use std::{
    fs,
    time::{Duration, Instant},
};

use spiderq_tests::{
    Program,
    redis_server::{DURABLE, RedisServer},
};

use crate::load::{Load, assert_good, lost};

/// More callers than the connection takes at once.
const CALLERS: u64 = 64;
/// What each pushes, bytes: a pile of these would be seen.
const SIZE: usize = 32 << 10;
/// The least that `--max-memory` takes, bytes: the callers wait for it, and none is refused.
const MEMORY: &str = "33554432";
/// How much more memory the program may have at the end of the fault than early in it, bytes.
const SPREAD: u64 = 48 << 20;

/// Memory that a process has, bytes.
fn resident(id: u32) -> u64 {
    let pages = fs::read_to_string(format!("/proc/{id}/statm")).unwrap();
    let pages: u64 = pages.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

/// Takes Redis away by `fault` for `time`, and brings it back by `repair`.
async fn away(
    time: Duration,
    fault: impl FnOnce(&mut RedisServer),
    repair: impl FnOnce(&mut RedisServer),
) {
    let mut redis = RedisServer::start(DURABLE);
    let program = Program::serve(&redis.url(), &["--max-memory", MEMORY]);
    let projects: Vec<u64> = (1..=CALLERS).collect();
    let mut load = Load::start(&program.url, projects.iter().copied(), SIZE);
    load.until_good(&projects, 3, Instant::now()).await;

    fault(&mut redis);
    let gone = Instant::now();
    load.go_on(time / 3).await;
    let early = resident(program.id());
    load.go_on(time - time / 3).await;
    let late = resident(program.id());
    assert!(late < early + SPREAD, "{early} bytes, then {late}");
    repair(&mut redis);
    let back = Instant::now();
    let well = load.recover(&projects, 3, back).await;
    let http = load.http();
    let calls = load.stop().await;

    let during = calls.iter().filter(|call| {
        let ended = call.began + call.took;
        call.began > gone + Duration::from_secs(1) && ended < back
    });
    assert!(during.clone().count() > 0, "the load went on");
    assert_eq!(during.filter(|call| call.status == 200).count(), 0);
    assert_good(&calls, well);
    let ready = http.get("/readyz").await.ok().json();
    assert_eq!(ready["durable"], true);
    assert_eq!(lost(&http, &calls).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_recover_after_redis_hangs_for_thirty_seconds() {
    let time = Duration::from_secs(30);
    away(time, |redis| redis.freeze(), |redis| redis.thaw()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_recover_after_redis_is_down_for_ten_seconds() {
    let time = Duration::from_secs(10);
    away(time, RedisServer::kill, RedisServer::restart).await;
}
