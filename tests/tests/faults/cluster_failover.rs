//! A master of a Cluster is lost: its projects recover when its replica takes over, and other
//! projects are not affected.

use std::time::{Duration, Instant};

use spiderq_proto::v1::{CreateApiKeyRequest, Role};
use spiderq_tests::{Grpc, Program, Stack, redis_cluster::RedisCluster, redis_server::DURABLE};
use tokio::task::block_in_place;

use crate::load::{Call, Load, RECOVERY, assert_good, lost};

const PROJECTS: std::ops::RangeInclusive<u64> = 1..=12;
/// How long a process accepts an API key without asking the store again.
const REMEMBERED: Duration = Duration::from_secs(5);
/// Good calls of each project before the fault, and after it.
const ENOUGH: usize = 20;

/// Loses a master under load by `fault`, and checks what callers saw.
async fn lose_a_master(fault: impl FnOnce(&mut RedisCluster, usize)) {
    let mut cluster = block_in_place(|| RedisCluster::start(true, DURABLE));
    let program = Program::serve(&cluster.url(), &[]);
    let master = cluster.master_of(*PROJECTS.start());
    let (its, others): (Vec<u64>, Vec<u64>) =
        PROJECTS.partition(|project| cluster.master_of(*project) == master);
    assert!(its.len() >= 2 && others.len() >= 2, "{its:?} {others:?}");

    let mut load = Load::start(&program.url, PROJECTS, 10);
    let every: Vec<u64> = PROJECTS.collect();
    load.until_good(&every, ENOUGH, Instant::now()).await;
    block_in_place(|| fault(&mut cluster, master));
    block_in_place(|| cluster.wait_for_fail_over(its[0], master));
    let over = Instant::now();
    let well = load.recover(&every, ENOUGH, over).await;
    let http = load.http();
    let calls = load.stop().await;

    let of = |projects: &[u64]| -> Vec<Call> {
        let its = calls.iter().filter(|call| projects.contains(&call.project));
        its.cloned().collect()
    };
    let (seen, unseen) = (of(&its), of(&others));
    assert!(seen.iter().any(|call| call.status == 503), "a fault was seen");
    assert_good(&seen, well);
    assert_good(&unseen, unseen[0].began);
    assert_eq!(lost(&http, &unseen).await, [""; 0]);
    // As `/readyz` announced: after a fail-over the last writes may be lost.
    let ready = http.get("/readyz").await.ok().json();
    assert_eq!(ready["durable"], false);
    let report = ready["durability"].as_str().unwrap();
    let announced = "; a fail-over can lose the last acknowledged writes";
    assert!(report.contains(announced), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_cluster_master_affects_only_its_own_projects() {
    lose_a_master(|cluster, master| cluster.kill(master)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hanging_cluster_master_affects_only_its_own_projects() {
    lose_a_master(|cluster, master| cluster.server(master).freeze()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_recover_after_a_whole_cluster_restarts() {
    let mut cluster = block_in_place(|| RedisCluster::start(false, DURABLE));
    let program = Program::serve(&cluster.url(), &[]);
    let every: Vec<u64> = PROJECTS.collect();
    let mut load = Load::start(&program.url, PROJECTS, 10);
    load.until_good(&every, ENOUGH, Instant::now()).await;
    block_in_place(|| cluster.restart());
    let over = Instant::now();
    let well = load.recover(&every, ENOUGH, over).await;
    let http = load.http();
    let calls = load.stop().await;
    assert_good(&calls, well);
    assert_eq!(lost(&http, &calls).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_key_stays_valid_while_the_master_with_the_keys_is_away() {
    let mut cluster = block_in_place(|| RedisCluster::start(false, DURABLE));
    let program = Program::serve(&cluster.url(), &[]);
    let made = CreateApiKeyRequest {
        owner: "ann".to_owned(),
        role: Role::User.into(),
        all_projects: true,
        ..CreateApiKeyRequest::default()
    };
    let mut keys = Grpc::new(&program.url, Stack::KEY).api_keys();
    let key = keys.create_api_key(made).await.unwrap().into_inner().secret;
    let master = cluster.owner_of("sq:{keys}");
    let others: Vec<u64> =
        PROJECTS.filter(|project| cluster.master_of(*project) != master).collect();
    let mut load = Load::start_as(&key, &program.url, others.clone(), 10);
    load.until_good(&others, ENOUGH, Instant::now()).await;
    block_in_place(|| cluster.kill(master));
    // Longer than a key is remembered without asking.
    load.go_on(REMEMBERED + RECOVERY).await;
    let calls = load.stop().await;
    assert_good(&calls, calls[0].began);
}
