//! Redis at its `maxmemory`: what only reads is answered, whole; what writes is not.

use std::sync::Arc;

use spiderq_core::{
    error::Error,
    model::{FieldSelection, Millis, State},
    store::{MAX_BATCH, NewJob, Store},
};
use spiderq_server::store_url::{StoreUrl, open};
use spiderq_tests::{
    Http, Program, Stack,
    redis_server::RedisServer,
    store_contract::{World, world::*},
};

async fn open_store(server: &RedisServer) -> Arc<dyn Store> {
    open(&StoreUrl::parse(&server.url()).unwrap()).await.unwrap()
}

fn fill(server: &RedisServer) {
    server.command::<()>(&["CONFIG", "SET", "maxmemory", "1"]);
}

#[tokio::test]
async fn everything_can_be_read() {
    let server = RedisServer::start(&[]);
    let store = open_store(&server).await;
    let world = World::new(store.clone());
    let large = format!("\"{}\"", "x".repeat(500));
    let fields = metadata(&[("large", large.as_str()), ("small", "1")]);
    let job = |state| NewJob { metadata: fields.clone(), ..in_state("s", state) };
    world.push(T, [State::Pending, State::Running, State::Finished].map(job).to_vec()).await;
    world.set(&[("a", "1")]).await;
    let keys: Vec<_> = (1..=3).map(|number| world.key(1, number)).collect();
    let named = FieldSelection::Named(["large", "small"].map(field_name).to_vec());
    let read = async || {
        let (store, project) = (&store, world.project);
        let mut jobs = Vec::new();
        for fields in [&FieldSelection::Full, &FieldSelection::Row, &named] {
            jobs.push(store.get(&keys, fields).await.unwrap());
            let page = store.page(project, &those(&State::ALL), MAX_BATCH, fields).await.unwrap();
            jobs.push(page.jobs.into_iter().map(Some).collect());
        }
        let spider = keys[0].spider;
        jobs.push(store.last_finished(project, &[spider], &named).await.unwrap());
        let counts = store.project_counts(project).await.unwrap();
        let pending = store.oldest_pending(project, 10).await.unwrap();
        let spiders = store.spiders(project, None, MAX_BATCH).await.unwrap();
        let settings = store.settings(project).await.unwrap();
        let projects = store.projects(None, 10).await.unwrap();
        let count = world.count(&those(&State::ALL)).await;
        let secret = store.installation_secret([1; 32]).await.unwrap();
        (jobs, counts, pending, spiders, settings, projects, count, secret)
    };
    let before = read().await;
    assert_eq!(before.0.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 3, 3, 3, 3, 1]);
    fill(&server);
    assert_eq!(read().await, before);
    let refused = store.push(world.project, vec![pending("s")], Millis(T), None).await;
    assert!(matches!(refused, Err(Error::Unavailable { .. })), "{refused:?}");
    server.command::<()>(&["CONFIG", "SET", "maxmemory", "0"]);
    world.add(T, pending("s")).await;
}

/// Starting reads the installation's secret.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_starts_and_shows_a_job() {
    let server = RedisServer::start(&[]);
    let first = Program::serve(&server.url(), &[]);
    let http = |url: &str| Http::new(url).basic(Stack::KEY, "");
    http(&first.url).post("/jobq/53/push", "{\"spider\":\"s\"}").await.ok();
    drop(first);
    fill(&server);
    let second = Program::serve(&server.url(), &[]);
    let job = http(&second.url).get("/jobs/53/1/1/spider").await.ok();
    assert_eq!(job.json(), "s");
}
