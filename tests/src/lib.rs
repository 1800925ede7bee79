//! What the tests of the whole stack share.

pub mod store_contract;
pub mod store_model;
