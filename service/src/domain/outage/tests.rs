use std::sync::Arc;

use super::*;
use crate::domain::{Heartbeat, Reaper, StartedJob, test_world::*};
use spiderq_core::{
    model::{Counters, Role},
    store::UpkeepStore as _,
};

/// The lease of a start that names none, ms.
const LEASE: u64 = 30_000;

async fn started(world: &World) -> StartedJob {
    world.push_in(State::Pending).await;
    world.start().await
}

async fn reap(world: &World) {
    Reaper::new(Arc::clone(&world.domain)).round().await.unwrap();
}

async fn beat(world: &World, started: &StartedJob) -> Result<Millis> {
    let heartbeat = Heartbeat {
        key: started.job.key,
        fence: Some(started.fence.kept()),
        lease_ms: None,
        counters: Counters::default(),
    };
    let done = world.domain.heartbeat(&caller(Role::Worker), heartbeat).await;
    done.map(|done| done.lease_expires)
}

/// The last round of all processes was now, and then there was none for so long.
async fn outage(world: &World, ms: u64) -> World {
    world.store.keep_round(world.domain.now()).await.unwrap();
    world.pass(ms);
    world.restarted()
}

async fn state(world: &World, started: &StartedJob) -> State {
    world.state(started.job.key).await
}

#[tokio::test]
async fn after_an_outage_longer_than_its_lease_a_worker_keeps_its_job() {
    let world = World::new();
    let job = started(&world).await;
    let world = outage(&world, 4 * LEASE).await;
    reap(&world).await;
    assert_eq!(state(&world, &job).await, State::Running);
    let now = world.domain.now();
    assert_eq!(beat(&world, &job).await.unwrap(), Millis(now.0 + LEASE));
    world.pass(LEASE - 1);
    reap(&world).await;
    assert_eq!(state(&world, &job).await, State::Running);
}

/// It may come before the first round of the reaper.
#[tokio::test]
async fn a_heartbeat_after_an_outage_need_not_wait_for_the_reaper() {
    let world = World::new();
    let job = started(&world).await;
    let world = outage(&world, 4 * LEASE).await;
    beat(&world, &job).await.unwrap();
}

#[tokio::test]
async fn without_a_heartbeat_the_job_goes_back_after_as_long_as_the_outage_was() {
    for (length, grace) in [(10_000, 10_000), (30_000, 30_000), (1_000_000, 30_000)] {
        let world = World::new();
        let job = started(&world).await;
        world.pass(LEASE - 2_000);
        let world = outage(&world, length).await;
        reap(&world).await;
        world.pass(grace - 1);
        reap(&world).await;
        assert_eq!(state(&world, &job).await, State::Running, "{length}");
        world.pass(1);
        reap(&world).await;
        assert_eq!(state(&world, &job).await, State::Pending, "{length}");
    }
}

#[tokio::test]
async fn a_lease_that_ended_before_the_outage_is_over() {
    let world = World::new();
    let job = started(&world).await;
    world.pass(LEASE);
    let world = outage(&world, 4 * LEASE).await;
    assert!(beat(&world, &job).await.is_err());
    reap(&world).await;
    assert_eq!(state(&world, &job).await, State::Pending);
}

/// The worker may be waiting for its next try.
#[tokio::test]
async fn a_lease_that_ends_right_after_the_outage_is_renewed_and_a_longer_one_left() {
    let world = World::new();
    let job = started(&world).await;
    world.pass(LEASE - 10_100);
    let later = started(&world).await;
    let lease_end = later.job.lease_expires;
    let world = outage(&world, 10_000).await;
    reap(&world).await;
    let until = Some(Millis(world.domain.now().0 + 10_000));
    assert_eq!(world.job(job.job.key).await.lease_expires, until);
    assert_eq!(world.job(later.job.key).await.lease_expires, lease_end);
}

#[tokio::test]
async fn a_process_that_starts_beside_others_ends_what_is_due() {
    let world = World::new();
    let job = started(&world).await;
    world.pass(LEASE - 1_000);
    let world = outage(&world, MIN_OUTAGE_MS - 1).await;
    reap(&world).await;
    assert_eq!(state(&world, &job).await, State::Pending);
}

#[tokio::test]
async fn a_job_is_renewed_once_for_an_outage() {
    let world = World::new();
    let job = started(&world).await;
    let world = outage(&world, 4 * LEASE).await;
    reap(&world).await;
    let world = world.restarted();
    world.pass(MAX_HEARTBEAT_GRACE_MS - 1_000);
    world.store.keep_round(world.domain.now()).await.unwrap();
    world.pass(1_000);
    reap(&world).await;
    assert_eq!(state(&world, &job).await, State::Pending);
}

/// While reads succeed and writes fail, as on a full disk.
#[test]
fn rounds_do_not_count_while_heartbeats_cannot_be_written() {
    let outages = Outages::default();
    assert!(!outages.none_is_under_way());
    outages.heartbeat(false);
    assert!(!outages.count_round());
    assert!(!outages.none_is_under_way());
    outages.heartbeat(true);
    assert!(outages.count_round());
    assert!(outages.none_is_under_way());
}

#[tokio::test]
async fn a_write_asks_again_whether_there_was_an_outage_only_some_time_after_nobody_knew() {
    let world = World::new();
    let job = started(&world).await;
    let world = outage(&world, 4 * LEASE).await;
    world.store.set_rounds_away(true);
    assert!(beat(&world, &job).await.is_err());
    world.store.set_rounds_away(false);
    // Whoever asked now would learn of the outage, and have the lease renewed.
    assert!(beat(&world, &job).await.is_err());
    world.domain.outages.state().unknown = uptime().checked_sub(UNKNOWN_INTERVAL);
    beat(&world, &job).await.unwrap();
}

#[tokio::test]
async fn writes_that_waited_for_one_that_learned_nothing_do_not_ask_each() {
    let world = World::new();
    let job = started(&world).await;
    let world = outage(&world, 4 * LEASE).await;
    let outages = &world.domain.outages;
    let asking = outages.writes.lock().await;
    let (waited, ()) = tokio::join!(beat(&world, &job), async {
        outages.unknown();
        drop(asking);
    });
    assert!(waited.is_err());
}
