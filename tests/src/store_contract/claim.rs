//! Claims: the order of the queue, and what a claim answers.

use spiderq_core::{
    model::{ClaimFilter, Millis, Position, State, StateEntry},
    store::Effect,
};

use super::world::*;

/// Jobs of equal priority are claimed in the order of their entry.
pub async fn a_claim_takes_the_highest_priority_then_the_oldest(world: World) {
    for (n, rank) in [2, 0, 4, 2, 4, 1, 3].into_iter().enumerate() {
        world.add(T + n as u64, ranked("s", rank)).await;
    }
    let mut order = Vec::new();
    while let Some(claimed) = world.claim(T + 100).await {
        order.push(claimed.job.key.job.get());
    }
    assert_eq!(order, [3, 5, 7, 1, 4, 6, 2]);
}

/// Jobs in other states are not claimed either.
pub async fn a_claim_on_an_empty_queue_takes_nothing(world: World) {
    assert_eq!(world.claim(T).await, None);
    for state in [State::Running, State::Finished, State::Deleted] {
        world.add(T, in_state("s", state)).await;
    }
    assert_eq!(world.claim(T).await, None);
}

/// The answer is the job after the claim, with all its metadata.
pub async fn a_claimed_job_is_answered_whole(world: World) {
    let job = spiderq_core::store::NewJob {
        metadata: metadata(&[("a", "1"), ("b", "[]"), ("c", "{}")]),
        tags: tags(&["x"]),
        ..pending("s")
    };
    let key = world.add(T, job).await;
    let before = world.job(key).await.unwrap();
    let mut effect = starting();
    effect.set = metadata(&[("b", "2.0"), ("d", "null")]);
    effect.remove = vec![field_name("c"), field_name("unknown")];
    if let Some(start) = &mut effect.start {
        start.lease_expires = Some(Millis(T + 30_001));
    }
    let claimed = world
        .store
        .claim(world.project, &ClaimFilter::default(), &effect, Millis(T + 1), None)
        .await
        .unwrap()
        .unwrap();
    let mut expected = before;
    expected.state = State::Running;
    expected.position = place(T + 1, 0);
    expected.entries[State::Running.index()] =
        Some(StateEntry { position: Position::at(Millis(T + 1)), actor: actor("worker") });
    expected.updated = Millis(T + 1);
    expected.attempt = 1;
    expected.lease_expires = Some(Millis(T + 30_001));
    expected.metadata = metadata(&[("a", "1"), ("b", "2.0"), ("d", "null")]);
    assert_eq!(claimed.job, expected);
    assert_eq!(claimed.fence, effect.start.unwrap().fence);
    assert_eq!(world.job(key).await, Some(expected));
    assert_eq!(world.claim(T).await, None);
}

/// Spiders that are unknown have no jobs.
pub async fn a_claim_takes_only_jobs_of_its_spiders(world: World) {
    let jobs = [("a", 1), ("b", 4), ("c", 2), ("a", 3), ("c", 3)];
    let jobs = jobs.map(|(spider, rank)| ranked(spider, rank)).to_vec();
    world.push(T, jobs).await;
    let taken = async |texts: &[&str]| {
        let spiders: Vec<_> = texts.iter().map(|text| name(text)).collect();
        world.claim_of(T, &spiders).await.map(|c| c.job.key)
    };
    assert_eq!(taken(&["unknown"]).await, None);
    assert_eq!(taken(&["a", "c", "unknown"]).await, Some(world.key(1, 2)));
    assert_eq!(taken(&["a", "c", "a"]).await, Some(world.key(3, 2)));
    assert_eq!(taken(&["a", "c"]).await, Some(world.key(3, 1)));
    assert_eq!(taken(&["c", "a"]).await, Some(world.key(1, 1)));
    assert_eq!(taken(&["a", "c"]).await, None);
    assert_eq!(taken(&["b"]).await, Some(world.key(2, 1)));
    assert_eq!(taken(&["b"]).await, None);
}

/// A job that goes back to the queue waits behind the others of its priority; its next start is
/// a new attempt.
pub async fn a_requeued_job_is_claimed_again_as_a_new_attempt(world: World) {
    world.push(T, vec![pending("s"), pending("s")]).await;
    let first = world.claim(T + 1).await.unwrap();
    let requeue = Effect {
        enter: Some((State::Pending, actor("reaper"))),
        release: true,
        ..Effect::default()
    };
    world.apply(T + 2, always(first.job.key, requeue)).await;
    let found = world.job(first.job.key).await.unwrap();
    assert_eq!((found.state, found.position, found.attempt), (State::Pending, place(T + 2, 0), 1));
    let second = world.claim(T + 3).await.unwrap();
    assert_eq!(second.job.key, world.key(1, 2));
    let third = world.claim(T + 3).await.unwrap();
    assert_eq!((third.job.key, third.job.attempt), (first.job.key, 2));
    assert_ne!(third.fence, first.fence);
    assert_eq!(world.claim(T + 3).await, None);
}

/// Priority does not matter: the lowest position comes first.
pub async fn oldest_pending_come_in_order_of_entry(world: World) {
    let ranks = [2, 4, 0, 3, 1];
    world.push(T, ranks.map(|rank| ranked("s", rank)).to_vec()).await;
    world.claim(T).await.unwrap();
    let oldest = async |limit| {
        let keys = world.store.oldest_pending(world.project, limit);
        let keys = keys.await.unwrap();
        keys.iter().map(|key| key.job.get()).collect::<Vec<_>>()
    };
    assert_eq!(oldest(100).await, [1, 3, 4, 5]);
    assert_eq!(oldest(2).await, [1, 3]);
    assert_eq!(oldest(1).await, [1]);
    let other = World::new(world.store.clone());
    let none = other.store.oldest_pending(other.project, 5).await.unwrap();
    assert_eq!(none, []);
}
