//! Which running jobs are due because their lease or time to stop has ended, over all projects
//! of a store.

use std::{collections::BTreeSet, sync::Arc};

use spiderq_core::{
    model::{JobKey, Millis, State},
    store::{Change, Effect, NewJob, Store},
};

use super::world::*;

fn leased(spider: &str, lease: u64) -> NewJob {
    NewJob { start: Some(start(Some(lease))), ..in_state(spider, State::Running) }
}

fn heartbeat(key: JobKey, lease: u64) -> Change {
    let effect = Effect { lease_expires: Some(Millis(lease)), ..Effect::default() };
    always(key, effect)
}

fn stop_by(key: JobKey, time: u64) -> Change {
    let effect = Effect { stop_by: Some(Millis(time)), ..Effect::default() };
    always(key, effect)
}

async fn due(world: &World, now: u64) -> Vec<JobKey> {
    world.store.due(Millis(now), 1_000).await.unwrap()
}

async fn postpone(world: &World, key: JobKey, until: u64) {
    world.store.postpone(key, Millis(until)).await.unwrap();
}

/// A job is due from the millisecond on at which its lease ends. The soonest comes first, and no
/// more than asked for.
pub async fn jobs_are_due_at_the_end_of_their_lease(store: Arc<dyn Store>) {
    let world = World::new(store);
    assert_eq!(due(&world, T).await, []);
    for lease in [300, 100, 200] {
        world.add(T, leased("s", T + lease)).await;
    }
    world.add(T, in_state("s", State::Running)).await;
    let [third, first, second] = [1, 2, 3].map(|job| world.key(1, job));
    assert_eq!(due(&world, T + 99).await, []);
    assert_eq!(due(&world, T + 100).await, [first]);
    assert_eq!(due(&world, T + 299).await, [first, second]);
    assert_eq!(due(&world, T + 300).await, [first, second, third]);
    let some = world.store.due(Millis(T + 999), 2).await.unwrap();
    assert_eq!(some, [first, second]);
}

/// A claim, a heartbeat and a request to stop set these times; the sooner one counts.
pub async fn a_job_is_due_when_its_lease_or_its_time_to_stop_ends(store: Arc<dyn Store>) {
    let world = World::new(store);
    let key = world.add(T, pending("s")).await;
    let mut effect = starting();
    effect.start = Some(start(Some(T + 100)));
    world.apply(T, always(key, effect)).await;
    world.apply(T + 50, heartbeat(key, T + 200)).await;
    assert_eq!(due(&world, T + 199).await, []);
    assert_eq!(due(&world, T + 200).await, [key]);
    world.apply(T + 50, stop_by(key, T + 150)).await;
    assert_eq!(due(&world, T + 149).await, []);
    assert_eq!(due(&world, T + 150).await, [key]);
    world.apply(T + 60, heartbeat(key, T + 300)).await;
    assert_eq!(due(&world, T + 150).await, [key]);
    world.apply(T + 61, heartbeat(key, T + 120)).await;
    assert_eq!(due(&world, T + 119).await, []);
    assert_eq!(due(&world, T + 120).await, [key]);
    // A job without a lease is due at its time to stop.
    let other = world.add(T, in_state("s", State::Running)).await;
    world.apply(T, stop_by(other, T + 110)).await;
    assert_eq!(due(&world, T + 110).await, [other]);
    assert_eq!(due(&world, T + 120).await, [other, key]);
}

/// A job that was requeued, finished or deleted is not due.
pub async fn only_running_jobs_are_due(store: Arc<dyn Store>) {
    let world = World::new(store);
    for _ in 0..4 {
        world.add(T, leased("s", T + 10)).await;
    }
    let [first, second, third, fourth] = [1, 2, 3, 4].map(|job| world.key(1, job));
    world.apply(T, stop_by(fourth, T + 5)).await;
    world.apply(T + 1, requeue(first)).await;
    world.apply(T + 1, finish(second)).await;
    world.apply(T + 1, delete(third)).await;
    assert_eq!(due(&world, T + 99).await, [fourth]);
    world.apply(T + 2, finish(fourth)).await;
    assert_eq!(due(&world, T + 99).await, []);
    // The next attempt has no lease.
    assert_eq!(world.claim(T + 3).await.unwrap().job.key, first);
    assert_eq!(due(&world, T + 999).await, []);
}

/// Within a project the soonest comes first.
pub async fn jobs_of_all_projects_are_due(store: Arc<dyn Store>) {
    let worlds: Vec<World> = (0..5).map(|_| World::new(store.clone())).collect();
    let mut expected = BTreeSet::new();
    for (n, world) in worlds.iter().enumerate() {
        for lease in [20, 10] {
            let key = world.add(T, leased("s", T + lease + n as u64)).await;
            expected.insert(key);
        }
    }
    let found = due(&worlds[0], T + 999).await;
    assert_eq!(found.iter().copied().collect::<BTreeSet<_>>(), expected);
    assert_eq!(found.len(), expected.len());
    let of = |world: &World| {
        let all = found.iter().filter(|key| key.project == world.project);
        all.copied().collect::<Vec<_>>()
    };
    for world in &worlds {
        assert_eq!(of(world), [world.key(1, 2), world.key(1, 1)]);
    }
}

/// Under a small limit, other jobs are answered in its stead.
pub async fn a_postponed_job_is_not_due_until_then(store: Arc<dyn Store>) {
    let world = World::new(store);
    for lease in [100, 200] {
        world.add(T, leased("s", T + lease)).await;
    }
    let [first, second] = [1, 2].map(|job| world.key(1, job));
    postpone(&world, first, T + 400).await;
    assert_eq!(due(&world, T + 399).await, [second]);
    assert_eq!(due(&world, T + 400).await, [second, first]);
    let one = world.store.due(Millis(T + 999), 1).await.unwrap();
    assert_eq!(one, [second]);
    let before = world.job(first).await.unwrap();
    assert_eq!(before.lease_expires, Some(Millis(T + 100)));
    // A write other than a heartbeat leaves it postponed.
    let write = Effect { set: metadata(&[("a", "1")]), ..Effect::default() };
    world.apply(T + 300, always(first, write)).await;
    assert_eq!(due(&world, T + 399).await, [second]);
}

/// A heartbeat or a start sets a new time, which counts at once.
pub async fn a_job_is_postponed_until_its_next_heartbeat_or_start(store: Arc<dyn Store>) {
    let world = World::new(store);
    for _ in 0..2 {
        world.add(T, leased("s", T + 100)).await;
    }
    let [first, second] = [1, 2].map(|job| world.key(1, job));
    for key in [first, second] {
        postpone(&world, key, T + 900).await;
    }
    assert_eq!(due(&world, T + 899).await, []);
    world.apply(T + 100, heartbeat(first, T + 200)).await;
    assert_eq!(due(&world, T + 199).await, []);
    assert_eq!(due(&world, T + 200).await, [first]);
    world.apply(T + 100, requeue(second)).await;
    let mut effect = starting();
    effect.start = Some(start(Some(T + 150)));
    world.apply(T + 120, always(second, effect)).await;
    assert_eq!(due(&world, T + 149).await, []);
    assert_eq!(due(&world, T + 200).await, [second, first]);
}

/// Only a heartbeat or a start makes it due again before the time that it was postponed to.
pub async fn a_request_to_stop_leaves_a_postponed_job_postponed(store: Arc<dyn Store>) {
    let world = World::new(store);
    let key = world.add(T, leased("s", T + 100)).await;
    postpone(&world, key, T + 400).await;
    world.apply(T + 100, stop_by(key, T + 50)).await;
    assert_eq!(due(&world, T + 399).await, []);
    assert_eq!(due(&world, T + 400).await, [key]);
    // Also one that sets the lease that the job has.
    postpone(&world, key, T + 900).await;
    world.apply(T + 100, heartbeat(key, T + 100)).await;
    assert_eq!(due(&world, T + 50).await, [key]);
}

/// Missing jobs and jobs without a lease stay out of what is due.
pub async fn postponing_a_job_that_is_not_due_changes_nothing(store: Arc<dyn Store>) {
    let world = World::new(store);
    let waits = world.add(T, pending("s")).await;
    let endless = world.add(T, in_state("s", State::Running)).await;
    let done = world.add(T, leased("s", T + 1)).await;
    world.apply(T, finish(done)).await;
    let other = World::new(world.store.clone());
    for key in [waits, endless, done, world.key(7, 1), other.key(1, 1)] {
        postpone(&world, key, T + 100).await;
    }
    assert_eq!(due(&world, T + 9_999).await, []);
    // Postponing to a time before its lease ends does not make a job due sooner.
    let key = world.add(T, leased("s", T + 500)).await;
    postpone(&world, key, T + 100).await;
    assert_eq!(due(&world, T + 499).await, []);
    assert_eq!(due(&world, T + 500).await, [key]);
}
