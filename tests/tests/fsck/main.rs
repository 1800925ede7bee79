//! `spiderq fsck`: it names each kind of damage, mends it, and says nothing of a store that is
//! well, however busy.

#![allow(clippy::unwrap_used, reason = "it is a test: what is not as it should be must stop it")]

mod clean_stores;
mod command_line;
mod leftovers;
mod redis;
mod retention;
mod sample;
mod sqlite;
