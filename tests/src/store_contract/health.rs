//! What a store says of itself.

use std::sync::Arc;

use spiderq_core::{model::Millis, store::Store};

use super::{World, world::T};

/// A store that is in reach answers `ping` without an error.
pub async fn a_store_answers_ping(world: World) {
    world.store.ping().await.unwrap();
}

/// What an acknowledged write is worth fits a line of the log.
pub async fn durability_is_reported_in_one_line(world: World) {
    let durability = world.store.durability().await.unwrap();
    assert_eq!(durability.report.lines().count(), 1);
}

/// The time of the last round of a reaper, whichever process kept it.
pub async fn the_last_round_is_kept(store: Arc<dyn Store>) {
    assert_eq!(store.last_round().await.unwrap(), None);
    for time in [T, T + 1, T - 1] {
        store.keep_round(Millis(time)).await.unwrap();
        assert_eq!(store.last_round().await.unwrap(), Some(Millis(time)));
    }
}
