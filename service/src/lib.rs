//! The spiderq gRPC services and their domain rules, for any store.
//!
//! `api` decodes requests and encodes responses, `auth` says who is calling, `domain` holds the
//! rules. The types of a job and the traits of a store are in `spiderq-core`.

mod api;
pub mod auth;
pub mod domain;
mod routes;
mod service;
mod upkeep;

pub use api::{
    AuditApi, Deadline, JobApi, KeyApi, OutputApi, ProjectApi, QueueApi, RunnerApi, log_refusal,
    status_of,
};
pub use routes::{Health, routes};
pub use service::{Service, ServiceOptions};
pub use upkeep::Upkeep;
