//! Reading jobs by key.

use spiderq_core::model::FieldSelection;

use super::world::*;

/// Keys may be of several projects and come twice; a missing job is answered with `None`.
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
