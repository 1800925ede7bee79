//! When a lease and the time to stop have ended.

use spiderq_core::{
    model::{JobKey, Millis, State},
    store::{Change, Changed, Effect, Holder},
};

use super::world::*;

/// A running job with this lease.
async fn running(world: &World, lease: Option<u64>) -> JobKey {
    let key = world.add(T, pending("s")).await;
    let mut effect = starting();
    effect.start = Some(start(lease));
    world.apply(T, always(key, effect)).await;
    key
}

fn stop_by(key: JobKey, time: u64) -> Change {
    let effect = Effect { stop_by: Some(Millis(time)), ..Effect::default() };
    always(key, effect)
}

fn heartbeat(key: JobKey, lease: u64) -> Change {
    let effect = Effect { lease_expires: Some(Millis(lease)), ..Effect::default() };
    always(key, effect)
}

async fn touch(world: &World, now: u64, key: JobKey, holder: Holder) -> Changed {
    let change = Change { holder, ..always(key, Effect::default()) };
    world.change(now, vec![change]).await[0]
}

const DONE: Changed = applied(State::Running, 1);

/// Only the attempt that has the lease is expired; a heartbeat gives it a new end.
pub async fn a_lease_has_ended_at_its_end_time(world: World) {
    let key = running(&world, Some(T + 100)).await;
    let expired = Holder::Expired;
    assert_eq!(touch(&world, T + 99, key, expired(1)).await, Changed::Stale);
    assert_eq!(touch(&world, T + 100, key, expired(1)).await, DONE);
    assert_eq!(touch(&world, T + 101, key, expired(1)).await, DONE);
    for attempt in [0, 2] {
        let other = touch(&world, T + 101, key, expired(attempt)).await;
        assert_eq!(other, Changed::Stale);
    }
    world.apply(T + 101, heartbeat(key, T + 200)).await;
    assert_eq!(touch(&world, T + 199, key, expired(1)).await, Changed::Stale);
    assert_eq!(touch(&world, T + 200, key, expired(1)).await, DONE);
}

/// A server whose way to the store was blocked may send one that another server's has overtaken:
/// its worker was told the later end. One of a later time may make the lease shorter.
pub async fn a_heartbeat_that_comes_late_only_makes_a_lease_longer(world: World) {
    let key = running(&world, Some(T + 100)).await;
    let lease = async || world.job(key).await.unwrap().lease_expires;
    let beats = [
        // Asked for at, for a lease until, and when it ends then.
        (60, 160, 160),
        (50, 150, 160),
        (60, 155, 160),
        (55, 170, 170),
        (80, 120, 120),
    ];
    for (now, asked, end) in beats {
        world.apply(T + now, heartbeat(key, T + asked)).await;
        assert_eq!(lease().await, Some(Millis(T + end)), "asked for at {now}");
    }
    let expired = Holder::Expired(1);
    assert_eq!(touch(&world, T + 119, key, expired.clone()).await, Changed::Stale);
    assert_eq!(touch(&world, T + 120, key, expired).await, DONE);
}

/// A late one of an attempt without a lease gives it its first.
pub async fn a_late_heartbeat_gives_a_job_its_first_lease(world: World) {
    let key = running(&world, None).await;
    world.apply(T, heartbeat(key, T + 50)).await;
    assert_eq!(world.job(key).await.unwrap().lease_expires, Some(Millis(T + 50)));
}

/// Neither does a job that is not running.
pub async fn a_job_without_a_lease_never_expires(world: World) {
    let key = running(&world, None).await;
    let far = T + 1_000_000_000;
    for holder in [Holder::Expired(1), Holder::Overdue(1)] {
        assert_eq!(touch(&world, far, key, holder).await, Changed::Stale);
    }
    let waits = world.add(T, pending("s")).await;
    let done = running(&world, Some(T + 1)).await;
    world.apply(T + 1, stop_by(done, T + 1)).await;
    world.apply(T + 2, finish(done)).await;
    for key in [waits, done] {
        for holder in [Holder::Expired(1), Holder::Overdue(1), Holder::Expired(0)] {
            assert_eq!(touch(&world, far, key, holder).await, Changed::Stale);
        }
    }
    let missing = touch(&world, far, world.key(1, 9), Holder::Expired(1)).await;
    assert_eq!(missing, Changed::Missing);
}

/// Heartbeats do not move it.
pub async fn the_time_to_stop_has_ended_at_its_end_time(world: World) {
    let key = running(&world, Some(T + 1_000)).await;
    let overdue = Holder::Overdue;
    assert_eq!(touch(&world, T + 500, key, overdue(1)).await, Changed::Stale);
    world.apply(T, stop_by(key, T + 100)).await;
    world.apply(T + 50, heartbeat(key, T + 5_000)).await;
    assert_eq!(touch(&world, T + 99, key, overdue(1)).await, Changed::Stale);
    assert_eq!(touch(&world, T + 100, key, overdue(1)).await, DONE);
    assert_eq!(touch(&world, T + 100, key, overdue(2)).await, Changed::Stale);
    // Until the reaper ends the job, its worker holds it.
    assert_eq!(touch(&world, T + 101, key, Holder::Attempt(1)).await, DONE);
}

/// The job gets neither more nor less time.
pub async fn a_second_request_to_stop_keeps_the_first_time_to_stop(world: World) {
    let key = running(&world, None).await;
    for time in [100, 200, 50] {
        world.apply(T, stop_by(key, T + time)).await;
    }
    let overdue = Holder::Overdue(1);
    let early = touch(&world, T + 99, key, overdue.clone()).await;
    assert_eq!(early, Changed::Stale);
    assert_eq!(touch(&world, T + 100, key, overdue).await, DONE);
}

/// A request to stop the next attempt sets a new time.
pub async fn a_time_to_stop_ends_with_its_attempt(world: World) {
    let key = running(&world, Some(T + 10)).await;
    world.apply(T, stop_by(key, T + 100)).await;
    world.apply(T + 10, requeue(key)).await;
    world.claim(T + 11).await.unwrap();
    let overdue = Holder::Overdue(2);
    let stale = touch(&world, T + 999, key, overdue.clone()).await;
    assert_eq!(stale, Changed::Stale);
    world.apply(T + 12, stop_by(key, T + 300)).await;
    let stale = touch(&world, T + 299, key, overdue.clone()).await;
    assert_eq!(stale, Changed::Stale);
    let done = touch(&world, T + 300, key, overdue).await;
    assert_eq!(done, applied(State::Running, 2));
}
