//! Sound stores, after random lives of many jobs and under load: fsck finds nothing.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use futures::future::join_all;
use proptest::{
    strategy::{Strategy as _, ValueTree as _},
    test_runner::TestRunner,
};
use spiderq_core::{
    model::{ClaimFilter, Millis, State},
    store::{Effect, NewAttempt, NewJob, Store},
};
use spiderq_server::store_url::{StoreUrl, open};
use spiderq_tests::{
    redis_server::RedisServer,
    sqlite_store,
    store_contract::{
        World,
        world::{T, always, delete, entering, finish, pending, start, starting, tags},
    },
    store_model::{play, scripts},
};

use crate::sample::check;

/// Jobs that have lived before a store is checked.
const JOBS: u64 = 1_000;

#[tokio::test]
async fn redis_is_clean_after_random_lives() {
    let server = RedisServer::start(&[]);
    let url = StoreUrl::parse(&server.url()).unwrap();
    random_lives(open(&url).await.unwrap()).await;
}

#[tokio::test]
async fn sqlite_is_clean_after_random_lives() {
    let folder = tempfile::tempdir().unwrap();
    random_lives(sqlite_store(&folder.path().join("store.db"))).await;
}

async fn random_lives(store: Arc<dyn Store>) {
    let mut runner = TestRunner::deterministic();
    loop {
        for _ in 0..50 {
            let script = scripts().new_tree(&mut runner).unwrap().current();
            play(&World::new(store.clone()), script).await;
        }
        let (lines, checked) = check(&store, false).await;
        assert_eq!(lines, [""; 0]);
        if checked.jobs >= JOBS {
            break;
        }
    }
    assert_eq!(check(&store, true).await.0, [""; 0]);
}

#[tokio::test]
async fn redis_is_clean_under_load() {
    let server = RedisServer::start(&[]);
    let url = StoreUrl::parse(&server.url()).unwrap();
    loaded(open(&url).await.unwrap()).await;
}

#[tokio::test]
async fn sqlite_is_clean_under_load() {
    let folder = tempfile::tempdir().unwrap();
    loaded(sqlite_store(&folder.path().join("store.db"))).await;
}

/// Checks again and again, with repair and without, while workers go on.
async fn loaded(store: Arc<dyn Store>) {
    let world = World::new(store.clone());
    let (stop, lived) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let workers =
        (0..6).map(|number| tokio::spawn(work(world.clone(), number, stop.clone(), lived.clone())));
    let workers: Vec<_> = workers.collect();
    let (mut jobs, mut round) = (0, 0);
    while round < 12 || lived.load(Ordering::SeqCst) <= 50 {
        let (mut lines, checked) = check(&store, round % 2 == 1).await;
        // Sums that changed while they were checked are no findings.
        lines.retain(|line| !line.starts_with("unchecked: "));
        assert_eq!(lines, [""; 0], "round {round}");
        (jobs, round) = (checked.jobs, round + 1);
    }
    stop.store(true, Ordering::SeqCst);
    join_all(workers).await.into_iter().for_each(Result::unwrap);
    assert!(jobs > 0);
    assert_eq!(check(&store, false).await.0, [""; 0]);
}

/// Takes jobs to their end, some of them by way of pending again, and counts them.
async fn work(world: World, number: u64, stop: Arc<AtomicBool>, count: Arc<AtomicU64>) {
    let mut lived = 0;
    while !stop.load(Ordering::SeqCst) {
        let now = T + lived;
        let jobs = ["a", "b", "c"]
            .map(|spider| NewJob { tags: tags(&["x", &format!("w{number}")]), ..pending(spider) });
        world.push(now, jobs.to_vec()).await;
        let leased = Effect {
            start: Some(NewAttempt { lease_expires: Some(Millis(now + 60_000)), ..start(None) }),
            ..starting()
        };
        for turn in 0..3 {
            let wanted = ClaimFilter::default();
            let claimed = world.store.claim(world.project, &wanted, &leased, Millis(now), None);
            let Some(claimed) = claimed.await.unwrap() else {
                break;
            };
            let key = claimed.job.key;
            if turn == 0 && lived % 3 == 0 {
                let front = Effect { front: true, ..entering(State::Pending) };
                world.change(now, vec![always(key, front)]).await;
                continue;
            }
            world.apply(now, finish(key)).await;
            if turn == 1 {
                world.apply(now, delete(key)).await;
                world.store.purge(key).await.unwrap();
            }
            lived += 1;
            count.fetch_add(1, Ordering::SeqCst);
        }
    }
}
