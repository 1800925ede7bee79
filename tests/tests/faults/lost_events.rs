//! Redis that starts again without its last writes: a reader of events whose cursor was lost with
//! them learns of it, also when its number is given again.

use spiderq_core::store::{EventCursor, Events, JobEvent};
use spiderq_server::store_url::{StoreUrl, open};
use spiderq_tests::{
    eventually,
    redis_server::RedisServer,
    store_contract::{World, world::*},
};

async fn read(world: &World, after: Option<EventCursor>) -> Option<(Vec<JobEvent>, EventCursor)> {
    // The first call after a restart may find that the connection is gone.
    let events = eventually("the store does not come back", async || {
        world.store.events(world.project, after, 100).await.ok()
    });
    match events.await {
        Events::These { events, last } => Some((events, last)),
        Events::Gone => None,
    }
}

#[tokio::test]
async fn a_cursor_of_lost_events_is_gone_and_one_before_them_is_good() {
    let mut server = RedisServer::start(&[]);
    let store = open(&StoreUrl::parse(&server.url()).unwrap()).await.unwrap();
    let world = World::new(store);
    let (_, begin) = read(&world, None).await.unwrap();
    world.push(T, vec![pending("s"); 6]).await;
    let (_, kept) = read(&world, Some(begin)).await.unwrap();
    server.command::<()>(&["SAVE"]);
    world.push(T, vec![pending("s"); 5]).await;
    let (_, lost) = read(&world, Some(kept)).await.unwrap();
    assert_eq!((kept.number, lost.number), (begin.number + 6, begin.number + 11));
    server.restart();
    assert_eq!(read(&world, Some(lost)).await, None);
    // The numbers of the lost jobs and events are given again.
    world.push(T, vec![pending("s"); 8]).await;
    assert_eq!(read(&world, Some(lost)).await, None);
    let (events, last) = read(&world, Some(kept)).await.unwrap();
    let keys: Vec<_> = events.iter().map(|event| event.key).collect();
    assert_eq!(keys, (7..=14).map(|job| world.key(1, job)).collect::<Vec<_>>());
    assert_eq!(last.number, begin.number + 14);
}
