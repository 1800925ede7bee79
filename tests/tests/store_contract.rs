//! Runs every case of the store contract on every store. A case runs in a project of its own;
//! those that look at the whole store (API keys, what is due) in a store of their own.

#![allow(clippy::unwrap_used, reason = "makes the stores that the tests run on")]

use std::sync::{Arc, LazyLock};

use spiderq_core::store::Store;
use spiderq_memory::MemoryStore;
use spiderq_server::store_url::{StoreUrl, open};
use spiderq_tests::{
    redis_acl::RedisAcl, redis_cluster::RedisCluster, redis_sentinels::RedisSentinels,
    redis_server::RedisServer, redis_tls::RedisTls, sqlite_store,
};
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};

/// A module of all cases for each store: `shared` makes the store of a case that needs just a
/// project of its own, `own` that of a case that needs a whole store. `build.rs` finds the cases.
macro_rules! contract {
    ($($store:ident: $shared:ident, $own:ident;)*) => {
        $(mod $store {
            use super::{$own as own, $shared as shared};

            include!(concat!(env!("OUT_DIR"), "/store_contract_cases.rs"));
        })*
    };
}

contract!(
    memory: new_memory, new_memory;
    sqlite: new_sqlite, new_sqlite;
    redis: new_redis, new_redis;
    acl: new_acl, new_acl;
    tls: new_tls, new_tls;
    sentinel: shared_sentinel, new_sentinel;
    cluster: shared_cluster, empty_cluster;
);

async fn open_at(url: &str) -> Arc<dyn Store> {
    open(&StoreUrl::parse(url).unwrap()).await.unwrap()
}

async fn new_memory() -> (Arc<dyn Store>, ()) {
    (Arc::new(MemoryStore::new()), ())
}

/// A new SQLite store, and what keeps its file there.
async fn new_sqlite() -> (Arc<dyn Store>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    let store = sqlite_store(&file);
    (store, folder)
}

/// A new Redis store, and the server that it is on.
async fn new_redis() -> (Arc<dyn Store>, RedisServer) {
    let server = RedisServer::start(&[]);
    (open_at(&server.url()).await, server)
}

/// Redis as a user that may do only what `docs/redis.md` lists.
async fn new_acl() -> (Arc<dyn Store>, RedisAcl) {
    let server = RedisAcl::start();
    (open_at(&server.url()).await, server)
}

/// Redis over TLS, with certificates on both sides.
async fn new_tls() -> (Arc<dyn Store>, RedisTls) {
    let server = RedisTls::start(true);
    (open_at(&server.mutual_url()).await, server)
}

/// A store through the Sentinel of all cases.
async fn shared_sentinel() -> (Arc<dyn Store>, ()) {
    (open_at(&RedisSentinels::shared().url()).await, ())
}

/// An empty store through a Sentinel.
async fn new_sentinel() -> (Arc<dyn Store>, RedisSentinels) {
    let servers = RedisSentinels::start(false, &[]);
    (open_at(&servers.url()).await, servers)
}

/// A store on the cluster of all cases.
async fn shared_cluster() -> (Arc<dyn Store>, ()) {
    (open_at(&RedisCluster::shared().url()).await, ())
}

/// An emptied cluster, for one case at a time: starting one for each case is slow.
async fn empty_cluster() -> (Arc<dyn Store>, MutexGuard<'static, RedisCluster>) {
    static OWN: LazyLock<Mutex<RedisCluster>> = LazyLock::new(|| Mutex::new(RedisCluster::small()));
    let cluster = OWN.lock().await;
    cluster.server(0).command::<()>(&["FLUSHALL"]);
    (open_at(&cluster.url()).await, cluster)
}
