//! Requeue: a job whose worker was lost is pending again.

use spiderq_core::{
    model::{Millis, Position, State, StateEntry},
    store::{Change, Changed, Effect, Holder, NewAttempt, NewJob, ProjectCounts, Pushed},
};

use super::world::*;

/// It is as if it had just entered pending, but keeps the number of its attempt.
pub async fn a_requeued_job_is_pending_again(world: World) {
    let job = NewJob { metadata: metadata(&[("a", "1")]), ..tagged("s", &["x"]) };
    let key = world.add(T, job).await;
    let mut expected = world.job(key).await.unwrap();
    let mut effect = starting();
    effect.start = Some(start(Some(T + 10)));
    world.apply(T + 1, always(key, effect)).await;
    let changed = world.change(T + 20, vec![requeue(key)]).await;
    assert_eq!(changed, [applied(State::Running, 1)]);
    expected.position = place(T + 20, 0);
    expected.entries[State::Pending.index()] =
        Some(StateEntry { position: Position::at(Millis(T + 20)), actor: actor("pusher") });
    expected.attempt = 1;
    expected.updated = Millis(T + 20);
    assert_eq!(world.job(key).await, Some(expected));
}

/// From each state back to each earlier one.
pub async fn an_entry_into_an_earlier_state_removes_later_ones(world: World) {
    let entries = async |key| {
        let job = world.job(key).await.unwrap();
        job.entries.map(|entry| entry.map(|entry| entry.position))
    };
    let key = world.add(T, pending("s")).await;
    world.apply(T + 1, always(key, starting())).await;
    world.apply(T + 2, finish(key)).await;
    world.apply(T + 3, delete(key)).await;
    let at = |time| Some(place(T + time, 0));
    assert_eq!(entries(key).await, [at(0), at(1), at(2), at(3)]);
    world.apply(T + 4, always(key, entering(State::Finished))).await;
    assert_eq!(entries(key).await, [at(0), at(1), at(4), None]);
    world.apply(T + 5, requeue(key)).await;
    assert_eq!(entries(key).await, [at(5), None, None, None]);
    world.apply(T + 6, finish(key)).await;
    assert_eq!(entries(key).await, [at(5), None, at(6), None]);
}

/// They show it in its new state and position only.
pub async fn lists_and_counts_follow_a_requeued_job(world: World) {
    world.push(T, vec![tagged("s", &["x"]), tagged("s", &["x"])]).await;
    let [first, second] = [1, 2].map(|job| world.key(1, job));
    world.claim(T + 1).await.unwrap();
    world.apply(T + 2, requeue(first)).await;
    let mut filter = those(&[State::Pending]);
    assert_eq!(world.list(&filter).await, [first, second]);
    filter.has_tags = tag_list(&["x"]);
    assert_eq!(world.list(&filter).await, [first, second]);
    filter.spiders = vec![name("s")];
    assert_eq!(world.count(&filter).await, 2);
    filter.states = [State::Running].into_iter().collect();
    assert_eq!(world.list(&filter).await, []);
    assert_eq!(world.count(&filter).await, 0);
    let oldest = world.store.oldest_pending(world.project, 5).await;
    assert_eq!(oldest.unwrap(), [second, first]);
    let counts = world.store.project_counts(world.project).await.unwrap();
    let expected = ProjectCounts { pending: 2, ..ProjectCounts::default() };
    assert_eq!(counts, expected);
}

/// A second job with that value is refused until the first ends.
pub async fn a_requeued_job_keeps_its_unique_value(world: World) {
    let key = world.add(T, unique("s", "u")).await;
    world.claim(T).await.unwrap();
    world.apply(T, requeue(key)).await;
    let again = || vec![unique("s", "u")];
    assert_eq!(world.push(T, again()).await, [Pushed::Duplicate(key)]);
    world.claim(T).await.unwrap();
    assert_eq!(world.push(T, again()).await, [Pushed::Duplicate(key)]);
    world.apply(T, finish(key)).await;
    assert_eq!(world.push(T, again()).await, [Pushed::Added(world.key(1, 2))]);
}

/// A second job may then have that value.
pub async fn a_release_without_an_entry_frees_the_unique_value(world: World) {
    let key = world.add(T, unique("s", "u")).await;
    let release = Effect { release: true, ..Effect::default() };
    world.apply(T, always(key, release)).await;
    let again = world.push(T, vec![unique("s", "u")]).await;
    assert_eq!(again, [Pushed::Added(world.key(1, 2))]);
}

/// Its calls are refused, also while the next attempt runs.
pub async fn a_worker_that_lost_its_job_changes_nothing(world: World) {
    let key = world.add(T, pending("s")).await;
    let first = world.claim(T).await.unwrap();
    let stale = |holder| {
        let mut beat = Effect {
            lease_expires: Some(Millis(T + 99)),
            stop_by: Some(Millis(T + 9)),
            set: metadata(&[("a", "1")]),
            ..Effect::default()
        };
        beat.tags.add = tags(&["x"]);
        [beat, entering(State::Finished), entering(State::Pending)]
            .map(|effect| Change { holder: Holder::clone(&holder), ..always(key, effect) })
    };
    let late = [Holder::Fence(first.fence), Holder::Attempt(1), Holder::Expired(1)];
    let refused = async |now: u64| {
        let before = world.job(key).await;
        for holder in late.clone() {
            let changed = world.change(now, stale(holder).to_vec()).await;
            assert_eq!(changed, [Changed::Stale; 3]);
        }
        assert_eq!(world.job(key).await, before);
    };
    world.apply(T + 1, requeue(key)).await;
    refused(T + 2).await;
    let second = world.claim(T + 3).await.unwrap();
    assert_eq!(second.job.attempt, 2);
    refused(T + 4).await;
    let mine = Change { holder: Holder::Fence(second.fence), ..finish(key) };
    let changed = world.change(T + 5, vec![mine]).await;
    assert_eq!(changed, [applied(State::Running, 2)]);
}

/// In one change that does both, the new attempt keeps its fence and lease.
pub async fn a_release_comes_before_a_start(world: World) {
    let key = world.add(T, pending("s")).await;
    let first = world.claim(T).await.unwrap();
    world.apply(T, requeue(key)).await;
    let next = start(Some(T + 50));
    let effect = Effect { release: true, start: Some(NewAttempt::clone(&next)), ..starting() };
    world.apply(T + 1, always(key, effect)).await;
    let job = world.job(key).await.unwrap();
    assert_eq!((job.attempt, job.lease_expires), (2, Some(Millis(T + 50))));
    let touch = |fence| Change { holder: Holder::Fence(fence), ..always(key, Effect::default()) };
    let changes = vec![touch(first.fence), touch(next.fence)];
    let expected = [Changed::Stale, applied(State::Running, 2)];
    assert_eq!(world.change(T + 2, changes).await, expected);
}
