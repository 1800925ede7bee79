//! Compares each store with the store in memory, by random calls: the same few scripts in every
//! run. `SPIDERQ_MODEL_CASES` sets how many, and `SPIDERQ_MODEL_SEED` which: a number, or
//! `random` (docs/development.md).

#![allow(clippy::unwrap_used, reason = "makes the stores that the tests run on")]

use std::{
    env,
    hash::{BuildHasher as _, RandomState},
    sync::Arc,
};

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use spiderq_core::store::Store;
use spiderq_server::store_url::{StoreUrl, open};
use spiderq_tests::{
    redis_server::RedisServer,
    sqlite_store,
    store_contract::World,
    store_model::{play, remove_all, scripts},
};

/// Scripts in a run that asks for no other number: a few seconds for each store.
const CASES: u32 = 64;

#[test]
fn sqlite_answers_as_memory_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    compare(async || sqlite_store(&path));
}

#[test]
fn redis_answers_as_memory_does() {
    let server = RedisServer::start(&[]);
    let url = StoreUrl::parse(&server.url()).unwrap();
    compare(async || open(&url).await.unwrap());
}

/// Plays every script in a project of its own, on one store.
fn compare(make: impl AsyncFnOnce() -> Arc<dyn Store>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store = runtime.block_on(make());
    let cases = env::var("SPIDERQ_MODEL_CASES").map_or(CASES, |cases| cases.parse().unwrap());
    let seed = seed();
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let outcome = TestRunner::new_with_rng(config, random).run(&scripts(), |script| {
        let world = World::new(store.clone());
        runtime.block_on(async {
            play(&world, script).await;
            remove_all(&world).await;
        });
        Ok(())
    });
    assert!(outcome.is_ok(), "SPIDERQ_MODEL_SEED={seed}: {outcome:#?}");
}

/// Which scripts are made: the same ones for the same number.
fn seed() -> u64 {
    match env::var("SPIDERQ_MODEL_SEED").as_deref() {
        // Its keys are random in each process.
        Ok("random") => RandomState::new().hash_one(()),
        Ok(number) => number.parse().unwrap(),
        Err(_) => 0,
    }
}
