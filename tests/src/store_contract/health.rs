//! What a store says of itself.

use super::World;

/// A store that is in reach answers `ping` without an error.
pub async fn a_store_answers_ping(world: World) {
    world.store.ping().await.unwrap();
}

/// What an acknowledged write is worth fits a line of the log.
pub async fn durability_is_reported_in_one_line(world: World) {
    let durability = world.store.durability().await.unwrap();
    assert_eq!(durability.report.lines().count(), 1);
}
