//! What every store must do: one function per promise, in the file of the behaviour.
//!
//! A case is each `pub async fn` here that takes a [`World`] (a project of its own in a store
//! that other cases use too) or an `Arc<dyn Store>` (a store of its own). `build.rs` lists them
//! and `tests/store_contract.rs` runs each on every store, so that a new function here is all
//! that a new case takes. Cases know nothing of a particular store.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed expectation in a case must end the test"
)]

pub mod api_keys;
pub mod audit;
pub mod change;
pub mod claim;
pub mod claim_filter;
pub mod compressed_metadata;
pub mod concurrency;
pub mod count;
pub mod due;
pub mod events;
pub mod get;
pub mod health;
pub mod holder;
pub mod large_jobs;
pub mod lease;
pub mod limits;
pub mod limits_of_changes;
pub mod list;
pub mod metadata;
pub mod metadata_limit;
pub mod notify;
pub mod projects;
pub mod push;
pub mod request_ids;
pub mod requeue;
pub mod restore;
pub mod retention;
pub mod runners;
pub mod spiders;
pub mod tags;
pub mod world;

pub use self::world::World;
