//! The master of a Sentinel group is lost: its replica takes over, and all calls recover.

use std::time::Instant;

use spiderq_tests::{Program, redis_sentinels::RedisSentinels, redis_server::DURABLE};
use tokio::task::block_in_place;

use crate::load::{Load, assert_good};

const PROJECTS: [u64; 4] = [1, 2, 3, 4];

/// The report while there is a replica.
const REPORT: &str = "redis by Sentinel, replicas 1: appendonly yes, appendfsync always, save \"\", \
     maxmemory-policy noeviction: no acknowledged write is lost; a fail-over can lose the last \
     acknowledged writes";

/// Another server becomes master by `fault`, under load.
async fn fail_over(fault: impl FnOnce(&mut RedisSentinels, usize)) {
    let mut group = block_in_place(|| RedisSentinels::start(true, DURABLE));
    let program = Program::serve(&group.url(), &[]);
    let mut load = Load::start(&program.url, PROJECTS, 10);
    load.until_good(&PROJECTS, 20, Instant::now()).await;
    let ready = load.http().get("/readyz").await.ok().json();
    assert_eq!(ready["durability"], REPORT);
    let master = group.master();
    block_in_place(|| {
        fault(&mut group, master);
        group.wait_for_fail_over(master);
    });
    let over = Instant::now();
    let well = load.recover(&PROJECTS, 20, over).await;
    let calls = load.stop().await;
    assert_good(&calls, well);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_master_of_a_sentinel_group_is_replaced_by_its_replica() {
    fail_over(|group, master| group.kill(master)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_switch_over_by_sentinel_is_followed() {
    fail_over(|group, _| group.switch_over()).await;
}
