//! Request ids: a call that is repeated under its id is done once.

use spiderq_core::{
    error::Error,
    model::{ClaimFilter, Millis, State},
    store::{Changed, Pushed},
};

use super::world::*;

/// The answer is the same, also for duplicates.
pub async fn a_repeated_push_adds_once(world: World) {
    let request = request("id", "push");
    let push = async |now| {
        let jobs = vec![unique("a", "u"), unique("a", "u"), pending("b")];
        let pushed = world.store.push(world.project, jobs, Millis(now), Some(&request));
        pushed.await.unwrap()
    };
    let first = push(T).await;
    let expected =
        [Pushed::Added(world.key(1, 1)), Pushed::Duplicate, Pushed::Added(world.key(2, 1))];
    assert_eq!(first, expected);
    assert_eq!(push(T + 1).await, expected);
    assert_eq!(world.count(&those(&State::ALL)).await, 2);
}

/// The answer has the fence of the first call.
pub async fn a_repeated_claim_takes_once(world: World) {
    let request = request("id", "claim");
    let wanted = ClaimFilter::default();
    let claim = async |now| {
        let effect = starting();
        let claimed =
            world.store.claim(world.project, &wanted, &effect, Millis(now), Some(&request));
        claimed.await.unwrap()
    };
    assert_eq!(claim(T).await, None);
    world.push(T, vec![pending("s"), pending("s")]).await;
    // An empty answer is not kept.
    let first = claim(T + 1).await.unwrap();
    assert_eq!(first.job.key, world.key(1, 1));
    assert_eq!(claim(T + 2).await, Some(first));
    assert_eq!(world.count(&those(&[State::Pending])).await, 1);
}

/// The answer is the same, also for a missing job.
pub async fn a_repeated_change_applies_once(world: World) {
    let key = world.add(T, pending("s")).await;
    let request = request("id", "change");
    let change = async |now| {
        let changes = vec![finish(key), finish(world.key(1, 9))];
        let changed =
            world.store.change(world.project, changes, false, Millis(now), Some(&request));
        changed.await.unwrap()
    };
    let expected = [
        Changed::Applied { previous: State::Pending, attempt: 0, stop_requested: false },
        Changed::Missing,
    ];
    assert_eq!(change(T + 1).await, expected);
    let finished = world.job(key).await;
    assert_eq!(change(T + 2).await, expected);
    assert_eq!(world.job(key).await, finished);
}

/// Even when the change would be allowed now.
pub async fn a_repeated_refusal_stays_refused(world: World) {
    let key = world.add(T, pending("s")).await;
    let request = request("id", "change");
    let refuse = async || {
        let mut change = finish(key);
        change.on[State::Pending.index()] = spiderq_core::store::Step::Refuse;
        let changed =
            world.store.change(world.project, vec![change], true, Millis(T), Some(&request));
        changed.await.unwrap()
    };
    assert_eq!(refuse().await, [Changed::Refused(State::Pending)]);
    world.apply(T, finish(key)).await;
    assert_eq!(refuse().await, [Changed::Refused(State::Pending)]);
}

/// The second call fails and does nothing.
pub async fn a_request_id_cannot_be_reused_for_another_request(world: World) {
    let (first, second) = (request("id", "one"), request("id", "two"));
    let project = world.project;
    let pushed = world.store.push(project, vec![pending("s")], Millis(T), Some(&first));
    pushed.await.unwrap();
    let push = world.store.push(project, vec![pending("s")], Millis(T), Some(&second)).await;
    let effect = starting();
    let claim = world
        .store
        .claim(project, &ClaimFilter::default(), &effect, Millis(T), Some(&second))
        .await;
    let changes = vec![finish(world.key(1, 1))];
    let change = world.store.change(project, changes, false, Millis(T), Some(&second)).await;
    assert!(matches!(push, Err(Error::RequestIdReused)), "{push:?}");
    assert!(matches!(claim, Err(Error::RequestIdReused)), "{claim:?}");
    assert!(matches!(change, Err(Error::RequestIdReused)), "{change:?}");
    let pending = world.list(&those(&[State::Pending])).await;
    assert_eq!(pending, [world.key(1, 1)]);
}

/// Two projects may use one id for different requests.
pub async fn request_ids_are_separate_per_project(world: World) {
    let other = World::new(world.store.clone());
    for (world, asked) in [(&world, "one"), (&other, "two")] {
        let request = request("id", asked);
        let jobs = vec![pending("s")];
        let pushed = world.store.push(world.project, jobs, Millis(T), Some(&request));
        assert_eq!(pushed.await.unwrap(), [Pushed::Added(world.key(1, 1))]);
    }
}
