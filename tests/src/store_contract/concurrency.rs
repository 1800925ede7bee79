//! Calls at the same time: the result must not depend on how they interleave.

use std::{collections::BTreeSet, future::Future};

use spiderq_core::{
    model::{JobKey, Millis, State},
    store::{Changed, Pushed},
};

use super::world::*;

/// Runs `calls` at the same time and collects what they answer.
async fn together<T: Send + 'static>(
    calls: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let tasks: Vec<_> = calls.into_iter().map(tokio::spawn).collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

/// 64 workers empty a queue of 1,000 jobs: each job goes to one of them, in the order of the
/// queue.
pub async fn concurrent_claims_take_each_job_once(world: World) {
    for round in 0..10 {
        let jobs = (0..100).map(|n| ranked("s", n % 5)).collect();
        world.push(T + round, jobs).await;
    }
    let workers = (0..64).map(|_| {
        let world = world.clone();
        async move {
            let mut taken = Vec::new();
            while let Some(claimed) = world.claim(T + 100).await {
                taken.push(claimed.job);
            }
            taken
        }
    });
    let mut taken: Vec<_> = together(workers).await.into_iter().flatten().collect();
    // The positions tell in which order the store made the claims.
    taken.sort_by_key(|job| job.position);
    let ranks: Vec<_> =
        taken.iter().map(|job| (std::cmp::Reverse(job.priority), job.key.job)).collect();
    assert!(ranks.is_sorted(), "by rank, then by age");
    let keys: BTreeSet<JobKey> = taken.iter().map(|job| job.key).collect();
    assert_eq!((taken.len(), keys.len()), (1_000, 1_000));
    assert_eq!(world.count(&those(&[State::Running])).await, 1_000);
}

/// Of 64 pushes with one unique value, one is added and the others are duplicates.
pub async fn concurrent_pushes_of_a_unique_value_have_one_winner(world: World) {
    let pushes = (0..64).map(|_| {
        let world = world.clone();
        async move { world.push(T, vec![unique("s", "u")]).await }
    });
    let answers = together(pushes).await;
    let added =
        answers.iter().filter(|answer| **answer == [Pushed::Added(world.key(1, 1))]).count();
    let duplicate = [Pushed::Duplicate(world.key(1, 1))];
    let refused = answers.iter().filter(|answer| **answer == duplicate).count();
    assert_eq!((added, refused), (1, 63));
}

/// 64 pushes get 64 numbers and 64 positions.
pub async fn concurrent_pushes_have_numbers_of_their_own(world: World) {
    let pushes = (0..64).map(|_| {
        let world = world.clone();
        async move { world.add(T, pending("s")).await }
    });
    let mut keys = together(pushes).await;
    keys.sort_unstable();
    let expected: Vec<JobKey> = (1..=64).map(|job| world.key(1, job)).collect();
    assert_eq!(keys, expected);
    let mut positions = BTreeSet::new();
    for key in keys {
        positions.insert(world.job(key).await.unwrap().position);
    }
    let expected: BTreeSet<_> = (0..64).map(|n| place(T, n)).collect();
    assert_eq!(positions, expected);
}

/// 32 calls with one request id add one job and answer the same key.
pub async fn concurrent_repeats_of_a_request_are_done_once(world: World) {
    let request = request("id", "push");
    let pushes = (0..32).map(|_| {
        let (world, request) = (world.clone(), request.clone());
        async move {
            let jobs = vec![pending("s")];
            let pushed = world.store.push(world.project, jobs, Millis(T), Some(&request));
            pushed.await.unwrap()
        }
    });
    let answers = together(pushes).await;
    assert_eq!(answers, vec![[Pushed::Added(world.key(1, 1))]; 32]);
    assert_eq!(world.count(&those(&State::ALL)).await, 1);
}

/// Of 32 changes that finish one job, one is applied and the others are refused.
pub async fn concurrent_changes_have_one_winner(world: World) {
    let key = world.add(T, pending("s")).await;
    let finishes = (0..32).map(|_| {
        let world = world.clone();
        async move {
            let mut change = finish(key);
            change.on[State::Finished.index()] = spiderq_core::store::Step::Refuse;
            world.change(T, vec![change]).await[0]
        }
    });
    let answers = together(finishes).await;
    let refused = Changed::Refused(State::Finished);
    let lost = answers.iter().filter(|answer| **answer == refused).count();
    assert_eq!(lost, 31);
}
