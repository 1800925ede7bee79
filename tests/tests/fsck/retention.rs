//! Retention: rounds that remove old jobs of each project by its settings.

use std::{path::Path, sync::Arc, time::Duration};

use futures::{StreamExt as _, stream};
use redis::Value;
use spiderq_core::{
    ManualClock,
    model::{JobKey, Millis, State},
    store::{NewJob, SettingsChange, Store},
};
use spiderq_server::store_url::{StoreUrl, open};
use spiderq_service::{
    auth::Auth,
    domain::{Domain, Pruner},
};
use spiderq_tests::{
    eventually,
    redis_server::RedisServer,
    sqlite_store,
    store_contract::{
        World,
        world::{T, delete, in_state, metadata, tagged, those},
    },
};

use crate::sample::check;

const DAY: u64 = 24 * 60 * 60 * 1_000;
const SHORT: Duration = Duration::from_secs(5);

fn pruner(store: &Arc<dyn Store>, now: u64) -> Pruner {
    let clock = Arc::new(ManualClock::at(Millis(now)));
    let auth = Auth::new(store.clone(), clock.clone(), &[0; 32], None);
    Pruner::new(Arc::new(Domain::new(store.clone(), clock, Arc::new(auth))))
}

/// Jobs that finished at these times.
async fn finished(world: &World, times: &[u64]) -> Vec<JobKey> {
    let mut keys = Vec::new();
    for time in times {
        let job = NewJob {
            state: State::Finished,
            metadata: metadata(&[("large", &format!("\"{}\"", "x".repeat(93)))]),
            ..tagged("a", &["x"])
        };
        keys.push(world.add(*time, job).await);
    }
    keys
}

async fn set(world: &World, settings: &[(&str, &str)]) {
    let change = SettingsChange::Merge(metadata(settings));
    assert!(world.store.change_settings(world.project, change).await.unwrap());
}

async fn sqlite(folder: &Path) -> Arc<dyn Store> {
    sqlite_store(&folder.join("store.db"))
}

async fn redis(server: &RedisServer) -> Arc<dyn Store> {
    open(&StoreUrl::parse(&server.url()).unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_round_removes_only_what_settings_do_not_keep() {
    let folder = tempfile::tempdir().unwrap();
    leaves_what_settings_keep(sqlite(folder.path()).await).await;
    let server = RedisServer::start(&[]);
    leaves_what_settings_keep(redis(&server).await).await;
}

async fn leaves_what_settings_keep(store: Arc<dyn Store>) {
    let [all, days, jobs, bytes, deleted] = [(); 5].map(|()| World::new(store.clone()));
    let times: Vec<u64> = (0..8).map(|day| T + day * DAY).collect();
    for world in [&all, &days, &jobs, &bytes, &deleted] {
        let keys = finished(world, &times).await;
        for key in &keys[..2] {
            world.apply(T + 8 * DAY, delete(*key)).await;
        }
    }
    set(&days, &[("keep_finished_days", "3")]).await;
    set(&jobs, &[("keep_finished_jobs", "2"), ("keep_deleted_jobs", "null")]).await;
    set(&bytes, &[("keep_finished_bytes", "300")]).await;
    set(&deleted, &[("keep_deleted_days", "0"), ("max_running", "1")]).await;
    let rest = pruner(&store, T + 10 * DAY).round().await.unwrap();
    assert_eq!(rest, Pruner::PAUSE);
    let expected = [(&all, 6, 2), (&days, 1, 2), (&jobs, 2, 2), (&bytes, 3, 2), (&deleted, 6, 0)];
    for (world, finished, deleted) in expected {
        let left = world.list(&those(&[State::Finished])).await;
        let jobs = (0..finished).map(|job| world.key(1, 8 - job));
        assert_eq!(left, jobs.collect::<Vec<_>>());
        assert_eq!(world.count(&those(&[State::Deleted])).await, deleted);
    }
    assert_eq!(check(&store, false).await.0, [""; 0]);
}

#[tokio::test]
async fn a_project_that_cannot_be_pruned_does_not_hold_up_others() {
    let server = RedisServer::start(&[]);
    let store = redis(&server).await;
    let worlds = [(); 3].map(|()| World::new(store.clone()));
    for world in &worlds {
        finished(world, &[T, T + 1]).await;
        set(world, &[("keep_finished_jobs", "1")]).await;
    }
    let key = format!("sq:{{{}}}:z:f", worlds[1].project);
    server.command::<Value>(&["SET", &key, "x"]);
    pruner(&store, T).round().await.unwrap();
    for world in [&worlds[0], &worlds[2]] {
        assert_eq!(world.list(&those(&[State::Finished])).await, [world.key(1, 2)]);
    }
}

#[tokio::test]
async fn many_projects_take_several_rounds() {
    let server = RedisServer::start(&[]);
    let store = redis(&server).await;
    let worlds: Vec<World> = (0..1_100).map(|_| World::new(store.clone())).collect();
    let pushes = worlds.iter().map(|world| {
        let jobs = vec![in_state("a", State::Finished); 2];
        world.push(T, jobs)
    });
    // Not all at once: a call has 3 s, however busy the machine is.
    stream::iter(pushes).buffered(50).collect::<Vec<_>>().await;
    // A project is listed beside its first write, and others may be listed in between.
    eventually("not all projects are listed", async || {
        (store.projects(None, 2_000).await.unwrap().len() >= 1_100).then_some(())
    })
    .await;
    for world in [&worlds[0], &worlds[1_099]] {
        set(world, &[("keep_finished_jobs", "1")]).await;
    }
    let mut pruner = pruner(&store, T);
    for rest in [SHORT, SHORT, Pruner::PAUSE, SHORT] {
        assert_eq!(pruner.round().await.unwrap(), rest);
    }
    for (number, left) in [(0, 1), (1, 2), (1_098, 2), (1_099, 1)] {
        let count = worlds[number].count(&those(&[State::Finished])).await;
        assert_eq!(count, left, "{number}");
    }
}

#[tokio::test]
async fn a_long_list_is_removed_in_bounded_steps() {
    let server = RedisServer::start(&[]);
    let store = redis(&server).await;
    let world = World::new(store.clone());
    for _ in 0..101 {
        world.push(T, vec![in_state("a", State::Finished); 100]).await;
    }
    set(&world, &[("keep_finished_jobs", "0")]).await;
    let mut pruner = pruner(&store, T);
    assert_eq!(pruner.round().await.unwrap(), SHORT);
    assert_eq!(world.count(&those(&[State::Finished])).await, 100);
    assert_eq!(pruner.round().await.unwrap(), Pruner::PAUSE);
    assert_eq!(world.count(&those(&[State::Finished])).await, 0);
}
