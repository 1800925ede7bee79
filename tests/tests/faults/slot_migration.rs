//! A slot of a Cluster moves to another master: nothing is lost, nothing is done twice, and the
//! store follows by itself.

use spiderq_core::{
    error::Error,
    model::{Role, State},
    store::{ApiKeyDigest, ApiKeyRecord},
};
use spiderq_server::store_url::{StoreUrl, open};
use spiderq_tests::{
    redis_cluster::RedisCluster,
    store_contract::world::{T, World, pending, those},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_project_follows_its_slot_to_another_master() {
    let cluster = RedisCluster::start(false, &[]);
    let url = StoreUrl::parse(&cluster.url()).unwrap();
    let world = World::new(open(&url).await.unwrap());
    let slot = format!("sq:{{{}}}:counters", world.project);
    let from = cluster.owner_of(&slot);
    let to = (from + 1) % 3;
    let mut jobs = vec![world.add(T, pending("a")).await];

    cluster.begin_move(&slot, from, to);
    let push =
        world.store.push(world.project, vec![pending("a")], spiderq_core::model::Millis(T), None);
    let error = push.await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    cluster.move_keys(&slot, from, to);
    let whole = world.store.get(&jobs, &spiderq_core::model::FieldSelection::Full).await;
    // The job's two keys are on two nodes now: they cannot be read in one step, and to answer
    // that there is no such job would be wrong.
    assert!(matches!(whole, Err(Error::Unavailable { .. })), "{whole:?}");
    cluster.end_move(&slot, to);

    // The first call after the move is served, without being made again.
    jobs.insert(0, world.add(T, pending("a")).await);
    assert_eq!(world.list(&those(&[State::Pending])).await, jobs);
    assert_eq!(cluster.owner_of(&slot), to);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_key_is_found_while_its_slot_moves() {
    let cluster = RedisCluster::start(false, &[]);
    let store = open(&StoreUrl::parse(&cluster.url()).unwrap()).await.unwrap();
    let digest = ApiKeyDigest("0".repeat(64));
    let key = ApiKeyRecord {
        id: "k".to_owned(),
        name: "ann".to_owned(),
        role: Role::User,
        projects: None,
        created: 1,
        quotas: Default::default(),
        expires: None,
        last_used: None,
    };
    store.put_api_key(&digest, key.clone()).await.unwrap();
    let slot = "sq:{keys}";
    let from = cluster.owner_of(slot);
    let to = (from + 1) % 3;
    let found = async || store.get_api_key(&digest).await.unwrap();
    cluster.begin_move(slot, from, to);
    assert_eq!(found().await, Some(key.clone()));
    cluster.move_keys(slot, from, to);
    assert_eq!(found().await, Some(key.clone()));
    assert!(!store.put_first_api_key(&digest, key.clone()).await.unwrap());
    cluster.end_move(slot, to);
    assert_eq!(found().await, Some(key));
}
