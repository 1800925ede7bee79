//! Holds each store against the model of the trait, with random calls.

#![allow(clippy::unwrap_used, reason = "makes the stores that the tests run on")]

use std::sync::Arc;

use proptest::test_runner::{Config, TestRunner};
use spiderq_core::store::Store;
use spiderq_server::store_url::{StoreUrl, open};
use spiderq_tests::{
    redis_server::RedisServer,
    store_contract::World,
    store_model::{play, scripts},
};

#[test]
fn sqlite_answers_as_the_model_does() {
    let folder = tempfile::tempdir().unwrap();
    let url = StoreUrl::Sqlite(folder.path().join("store.db"));
    agrees(async || open(&url).await.unwrap());
}

#[test]
fn redis_answers_as_the_model_does() {
    let server = RedisServer::start(&[]);
    let url = StoreUrl::parse(&server.url()).unwrap();
    agrees(async || open(&url).await.unwrap());
}

/// Every script is played in a project of its own, on one store.
fn agrees(make: impl AsyncFnOnce() -> Arc<dyn Store>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store = runtime.block_on(make());
    let mut runner =
        TestRunner::new(Config { cases: 64, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&scripts(), |script| {
        runtime.block_on(play(&World::new(store.clone()), script));
        Ok(())
    });
    assert!(outcome.is_ok(), "{outcome:#?}");
}
