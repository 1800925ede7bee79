//! The store trait's contract, one function a promise. `tests/store_contract.rs` lists the
//! cases and runs each on both stores. Cases know nothing of either store.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a case is a test: what is not as it should be must stop it"
)]

pub mod change;
pub mod claim;
pub mod count;
pub mod due;
pub mod events;
pub mod holder;
pub mod keys;
pub mod lease;
pub mod limits;
pub mod limits_of_changes;
pub mod list;
pub mod metadata;
pub mod project;
pub mod prune;
pub mod pulses;
pub mod push;
pub mod race;
pub mod read;
pub mod requests;
pub mod requeue;
pub mod size;
pub mod spider;
pub mod tags;
pub mod wanted;
pub mod world;

pub use self::world::World;
