//! Redis' clock is set forward while a project has nothing due.

use spiderq_core::{
    model::{Millis, State},
    store::NewJob,
};
use spiderq_server::store_url::{StoreUrl, open};
use spiderq_tests::{
    redis_server::RedisServer,
    store_contract::{World, world::*},
};

#[tokio::test]
async fn the_next_lost_lease_of_an_idle_project_is_found_at_once() {
    let server = RedisServer::start(&[]);
    let world = World::new(open(&StoreUrl::parse(&server.url()).unwrap()).await.unwrap());
    let leased =
        |now| NewJob { start: Some(start(Some(now + 2_000))), ..in_state("s", State::Running) };
    let due = async |now| world.store.due(Millis(now), 10).await.unwrap();
    let first = world.add(T, leased(T)).await;
    assert_eq!(due(T + 2_000).await, [first]);
    world.apply(T + 2_000, finish(first)).await;
    let later = T + 3_600_000;
    assert_eq!(due(later).await, []);
    let second = world.add(later, leased(later)).await;
    assert_eq!(due(later + 2_000).await, [second]);
}
