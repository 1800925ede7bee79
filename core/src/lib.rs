//! What every part of spiderq shares: the types of a job, the errors, the clock, and the
//! traits that a store implements. Knows neither gRPC nor HTTP nor a database.

pub mod backoff;
pub mod clock;
pub mod effect;
pub mod error;
mod hex;
pub mod limits;
mod memory_budget;
pub mod model;
mod origin;
pub mod query;
mod steady_clock;
pub mod store;
mod store_clock;
mod tls_failure;
mod turns;
mod unreadable_jobs;
mod uptime;

pub use backoff::Backoff;
pub use clock::{Clock, ManualClock, SystemClock};
pub use hex::hex;
pub use memory_budget::{HeldMemory, MemoryBudget, Reservation};
pub use origin::{Origin, client_network};
pub use store_clock::StoreClock;
pub use tls_failure::TlsFailure;
pub use turns::{Turn, Turns};
pub use unreadable_jobs::UnreadableJobs;
pub use uptime::uptime;
