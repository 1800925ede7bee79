//! Faults of the stores. Redis: servers are killed and stopped under load, slots move, certificates
//! are wrong. What callers see is held against what `docs/redis.md` promises; time is measured by
//! the calls of a load that goes on. SQLite: the disk fails, the file is damaged or goes away.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a step that cannot be done ends the test"
)]

mod clock_set_forward;
mod cluster_failover;
mod damaged_job;
mod durability;
mod full_memory;
mod load;
mod lost_events;
mod redis_away;
mod sentinel_failover;
mod slot_migration;
mod sqlite_file;
mod tls_and_login;
