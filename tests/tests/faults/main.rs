//! Redis in production, and in trouble: servers are killed and stopped under load, slots move,
//! certificates are wrong, and what is seen is held against what `docs/redis.md` promises. Nothing waits by sleeping: the
//! load goes on, and its calls are what time is measured by.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a step that cannot be done ends the test"
)]

mod away;
mod cluster;
mod durable;
mod load;
mod sentinel;
mod slots;
mod tls;
