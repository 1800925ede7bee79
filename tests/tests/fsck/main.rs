//! `spiderq fsck`: it names each kind of damage, mends it, and says nothing of a store that is
//! well, however busy.

#![allow(clippy::unwrap_used, reason = "it is a test: what is not as it should be must stop it")]

mod census;
mod clean;
mod life;
mod program;
mod redis;
mod retention;
mod sqlite;
