//! The spiderq gRPC services, their domain rules and the stores behind them.
//!
//! `api` decodes and encodes, `domain` holds the rules, `store` keeps the data; `model` and
//! `error` lie under all of them.

mod clock;
pub mod error;
pub mod model;
pub mod store;

pub use clock::{Clock, ManualClock, SystemClock};
