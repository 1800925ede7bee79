//! Reading by key, and the store's own health.

use spiderq_core::model::FieldSelection;

use super::world::*;

/// Answers stand in the order of the keys, with holes where there is no job.
pub async fn get_answers_in_the_order_of_its_keys(world: World) {
    let other = World::new(world.store.clone());
    let first = world.add(T, pending("a")).await;
    let second = world.add(T, pending("b")).await;
    let elsewhere = other.add(T, pending("c")).await;
    let asked = [second, world.key(1, 2), elsewhere, first, world.key(9, 1), second];
    let got = world.store.get(&asked, &FieldSelection::Full).await.unwrap();
    let keys: Vec<_> = got.iter().map(|job| job.as_ref().map(|job| job.key)).collect();
    assert_eq!(keys, [Some(second), None, Some(elsewhere), Some(first), None, Some(second)]);
    assert_eq!(world.store.get(&[], &FieldSelection::Full).await.unwrap(), []);
}

/// A store that runs says so.
pub async fn a_store_answers_ping(world: World) {
    world.store.ping().await.unwrap();
}

/// A store can say what its acknowledgement is worth, in one line.
pub async fn durability_is_reported_in_one_line(world: World) {
    let durability = world.store.durability().await.unwrap();
    assert_eq!(durability.report.lines().count(), 1);
}
