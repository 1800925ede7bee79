//! What stores keep of jobs that are gone: only the numbers that were given.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use rusqlite::Connection;
use spiderq_core::{
    model::{ClaimFilter, Millis, State, UniqueKey},
    store::{Effect, MAX_BATCH, NewAttempt, NewJob, Purged, Retention, Store},
};
use spiderq_server::store_url::{StoreUrl, open};
use spiderq_tests::{
    redis_server::RedisServer,
    sqlite_store,
    store_contract::{
        World,
        world::{T, delete, finish, metadata, pending, request, start, starting, tags, those},
    },
};

use crate::sample::check;

/// Jobs with all that a job may have: each is run under a lease, finished and deleted, some are
/// purged, the others pruned.
async fn live_and_go(world: &World) {
    let large = format!("\"{}\"", "x".repeat(300));
    for number in 0..60_u64 {
        let now = T + number;
        let job = NewJob {
            tags: tags(&["x", &format!("t{}", number % 3)]),
            unique: Some(UniqueKey::of_value(&number.to_string())),
            metadata: metadata(&[("large", &large), ("small", "[]")]),
            ..pending(&format!("s{}", number % 2))
        };
        let id = request(&format!("push {number}"), "push");
        let pushed = world.store.push(world.project, vec![job], Millis(now), Some(&id));
        pushed.await.unwrap();
        let leased = Effect {
            start: Some(NewAttempt { lease_expires: Some(Millis(now + 60_000)), ..start(None) }),
            stop_by: Some(Millis(now + 30_000)),
            ..starting()
        };
        let id = request(&format!("start {number}"), "start");
        let wanted = ClaimFilter::default();
        let claimed = world.store.claim(world.project, &wanted, &leased, Millis(now), Some(&id));
        let key = claimed.await.unwrap().unwrap().job.key;
        world.apply(now, finish(key)).await;
        if number % 2 == 0 {
            world.apply(now, delete(key)).await;
        }
        if number % 4 == 0 {
            assert_eq!(world.store.purge(key).await.unwrap(), Purged::Done);
        }
    }
    let none = Retention { jobs: Some(0), ..Retention::default() };
    for (state, left) in [(State::Finished, 30), (State::Deleted, 15)] {
        let pruned = world.store.prune(world.project, state, &none, MAX_BATCH).await;
        assert_eq!(pruned.unwrap().count, left);
    }
    assert_eq!(world.count(&those(&State::ALL)).await, 0);
}

async fn store_at(url: &StoreUrl) -> Arc<dyn Store> {
    open(url).await.unwrap()
}

#[tokio::test]
async fn redis_keeps_no_key_of_jobs_that_are_gone() {
    let server = RedisServer::start(&[]);
    let store = store_at(&StoreUrl::parse(&server.url()).unwrap()).await;
    let world = World::new(store.clone());
    live_and_go(&world).await;
    let keys: Vec<String> = server.command(&["KEYS", "*"]);
    let mut left = BTreeMap::new();
    let mut answers = 0;
    for key in keys {
        let kind: String = server.command(&["TYPE", &key]);
        if key.contains(":q:") {
            // Kept answers go by themselves, after a day.
            let ms: u64 = server.command(&["PTTL", &key]);
            assert!(ms <= 24 * 60 * 60 * 1_000, "{key}");
            answers += 1;
        } else {
            left.insert(key, kind);
        }
    }
    assert_eq!(answers, 120);
    let of = |key: &str| format!("sq:{{{}}}:{key}", world.project);
    let expected = [
        (of("counters"), "hash"),
        (of("spiders"), "hash"),
        ("sq:{projects}".to_owned(), "zset"),
        ("sq:{due}".to_owned(), "zset"),
    ];
    let expected = expected.map(|(key, kind)| (key, kind.to_owned()));
    assert_eq!(left, BTreeMap::from(expected));
    let counters: BTreeMap<String, String> = server.command(&["HGETALL", &of("counters")]);
    let sums = ["deleted_bytes", "finished_bytes", "running_units"];
    let given = ["last_job:s0", "last_job:s1", "last_position", "last_spider", "last_tag"];
    let numbers = ["spider:s0", "spider:s1", "tag:t0", "tag:t1", "tag:t2", "tag:x"];
    let fields: BTreeSet<&str> = [&sums[..], &given, &numbers].concat().into_iter().collect();
    assert_eq!(counters.keys().map(String::as_str).collect::<BTreeSet<_>>(), fields);
    for sum in sums {
        assert_eq!(counters[sum], "0", "{sum}");
    }
    assert_eq!(check(&store, false).await.0, [""; 0]);
}

#[tokio::test]
async fn sqlite_keeps_no_row_of_jobs_that_are_gone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = sqlite_store(&path);
    let world = World::new(store.clone());
    live_and_go(&world).await;
    assert_eq!(check(&store, false).await.0, [""; 0]);
    drop((store, world));
    let connection = Connection::open(&path).unwrap();
    let mut tables = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        .unwrap();
    let names = tables.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let rows = names.map(|name| {
        let name = name.unwrap();
        let sql = format!("SELECT count(*) FROM {name}");
        let rows: i64 = connection.query_row(&sql, [], |row| row.get(0)).unwrap();
        (name, rows)
    });
    let expected = [
        ("api_keys", 0),
        ("audit_events", 0),
        ("config", 0),
        ("event_logs", 0),
        ("events", 0),
        ("job_blocks", 0),
        ("job_counts", 0),
        ("job_tags", 0),
        ("jobs", 0),
        ("projects", 1),
        // Forgotten after a day, as others come.
        ("request_ids", 120),
        ("runners", 0),
        ("settings", 0),
        ("spiders", 2),
    ];
    let expected = expected.map(|(name, rows)| (name.to_owned(), rows));
    assert_eq!(rows.collect::<Vec<_>>(), expected);
    let sql = "SELECT finished_jobs + finished_bytes + deleted_jobs + deleted_bytes FROM projects";
    let done: i64 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(done, 0);
}
