//! The spiderq gRPC services, their domain rules and the stores behind them.
//!
//! `api` decodes and encodes, `auth` says who is calling, `domain` holds the rules, `store`
//! keeps the data; `model` and `error` lie under all of them.

mod api;
pub mod auth;
pub mod domain;
mod service;
mod transport;
mod upkeep;

pub use api::{Due, JobApi, KeyApi, ProjectApi, QueueApi};
pub use service::{Service, ServiceOptions};
pub use transport::{Health, routes};
pub use upkeep::Upkeep;
