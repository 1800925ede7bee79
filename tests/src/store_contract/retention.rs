//! Retention: prune removes the oldest jobs for good while a bound is exceeded.

use spiderq_core::{
    model::{JobKey, Metadata, Position, State},
    store::{CheckProgress, CheckScope, Effect, NewJob, Retention},
};

use super::{
    World,
    world::{T, always, delete, entering, finish, in_state, metadata, pending, place, tags, those},
};

/// Finished jobs, at [`T`] and each ms after it, with `bytes` of metadata each (at least 10).
async fn finished(world: &World, jobs: u64, bytes: usize) -> Vec<JobKey> {
    let mut keys = Vec::new();
    for at in 0..jobs {
        let job =
            NewJob { metadata: sized(bytes), tags: tags(&["x"]), ..in_state("a", State::Finished) };
        keys.push(world.add(T + at, job).await);
    }
    keys
}

fn sized(bytes: usize) -> Metadata {
    let made = metadata(&[("field", &format!("\"{}\"", "x".repeat(bytes - 7)))]);
    assert_eq!(made.bytes(), bytes);
    made
}

async fn prune(world: &World, state: State, keep: &Retention, limit: usize) -> usize {
    let pruned = world.store.prune(world.project, state, keep, limit);
    pruned.await.unwrap().count
}

/// Checks the project and expects no finding.
pub(crate) async fn clean(world: &World) {
    let mut found = Vec::new();
    let mut report = |progress| match progress {
        CheckProgress::Finding(finding) => found.push(finding.to_string()),
        CheckProgress::Unchecked(..) | CheckProgress::Jobs(_) => {}
    };
    let scope = CheckScope { projects: vec![world.project] };
    world.store.check(&scope, false, &mut report).await.unwrap();
    assert_eq!(found, [""; 0]);
}

/// Jobs that entered before a position are removed; those at it and after it stay.
pub async fn jobs_that_are_too_old_go(world: World) {
    let keys = finished(&world, 5, 10).await;
    let keep = Retention { from: Some(place(T + 3, 0)), ..Retention::default() };
    assert_eq!(prune(&world, State::Finished, &keep, 2).await, 2);
    let filter = those(&[State::Finished]);
    assert_eq!(world.list(&filter).await, [keys[4], keys[3], keys[2]]);
    assert_eq!(prune(&world, State::Finished, &keep, 100).await, 1);
    assert_eq!(prune(&world, State::Finished, &keep, 100).await, 0);
    assert_eq!(world.list(&filter).await, [keys[4], keys[3]]);
    assert_eq!(world.job(keys[2]).await, None);
    clean(&world).await;
}

/// The oldest jobs are removed until no more than the bound are left.
pub async fn jobs_that_are_too_many_go(world: World) {
    let keys = finished(&world, 4, 10).await;
    let keep = Retention { jobs: Some(3), ..Retention::default() };
    assert_eq!(prune(&world, State::Finished, &keep, 100).await, 1);
    let filter = those(&[State::Finished]);
    assert_eq!(world.list(&filter).await, [keys[3], keys[2], keys[1]]);
    let none = Retention { jobs: Some(0), ..Retention::default() };
    assert_eq!(prune(&world, State::Finished, &none, 2).await, 2);
    assert_eq!(prune(&world, State::Finished, &none, 2).await, 1);
    assert_eq!(world.count(&those(&State::ALL)).await, 0);
    clean(&world).await;
}

/// The oldest jobs are removed until the others have no more bytes of metadata than the bound.
/// The bytes of the moment count.
pub async fn jobs_that_are_too_large_go(world: World) {
    let keys = finished(&world, 4, 100).await;
    let most = |bytes| Retention { bytes: Some(bytes), ..Retention::default() };
    let filter = those(&[State::Finished]);
    assert_eq!(prune(&world, State::Finished, &most(400), 100).await, 0);
    let larger = Effect { set: sized(500), ..Effect::default() };
    world.apply(T + 9, always(keys[3], larger)).await;
    assert_eq!(prune(&world, State::Finished, &most(800), 100).await, 0);
    assert_eq!(prune(&world, State::Finished, &most(799), 100).await, 1);
    let smaller = Effect { set: sized(10), remove: vec![], ..Effect::default() };
    world.apply(T + 10, always(keys[3], smaller)).await;
    assert_eq!(prune(&world, State::Finished, &most(210), 100).await, 0);
    assert_eq!(prune(&world, State::Finished, &most(209), 100).await, 1);
    assert_eq!(world.list(&filter).await, [keys[3], keys[2]]);
    // A job that leaves the state, and one that is purged, no longer count.
    world.apply(T + 11, delete(keys[2])).await;
    assert_eq!(prune(&world, State::Finished, &most(10), 100).await, 0);
    assert_eq!(prune(&world, State::Deleted, &most(100), 100).await, 0);
    world.store.purge(keys[2]).await.unwrap();
    let another = world.add(T + 12, pending("a")).await;
    let full = Effect { set: sized(300), ..entering(State::Finished) };
    world.apply(T + 13, always(another, full)).await;
    assert_eq!(prune(&world, State::Finished, &most(310), 100).await, 0);
    assert_eq!(prune(&world, State::Finished, &most(309), 100).await, 1);
    assert_eq!(world.list(&filter).await, [another]);
    clean(&world).await;
}

/// The narrowest bound decides; jobs in other states stay.
pub async fn each_bound_applies_to_one_state_only(world: World) {
    let keys = finished(&world, 5, 100).await;
    world.apply(T + 9, delete(keys[4])).await;
    let waits = world.add(T, pending("a")).await;
    let keep = Retention { from: Some(place(T + 1, 0)), jobs: Some(2), bytes: Some(150) };
    assert_eq!(prune(&world, State::Finished, &keep, 100).await, 3);
    let all = world.list(&those(&State::ALL)).await;
    assert_eq!(all, [waits, keys[4], keys[3]]);
    let keep = Retention { from: Some(Position(u64::MAX >> 11)), ..Retention::default() };
    assert_eq!(prune(&world, State::Deleted, &keep, 100).await, 1);
    assert_eq!(prune(&world, State::Finished, &Retention::default(), 100).await, 0);
    assert_eq!(world.list(&those(&State::ALL)).await, [waits, keys[3]]);
    clean(&world).await;
}

/// After claims, deletions and purges.
pub async fn a_check_of_a_healthy_project_finds_nothing(world: World) {
    let mut keys = finished(&world, 3, 400).await;
    world.push(T, vec![pending("a"), pending("b")]).await;
    keys.push(world.claim(T + 20).await.unwrap().job.key);
    clean(&world).await;
    for key in &keys[..2] {
        world.apply(T + 21, delete(*key)).await;
    }
    world.apply(T + 22, finish(keys[3])).await;
    world.store.purge(keys[0]).await.unwrap();
    clean(&world).await;
}
