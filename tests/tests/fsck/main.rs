//! `spiderq fsck`: it names each kind of damage and repairs it, and finds nothing in a sound store,
//! however busy.

#![allow(clippy::unwrap_used, reason = "it is a test: what is not as it should be must stop it")]

mod clean_stores;
mod command_line;
mod leftovers;
mod output;
mod redis;
mod retention;
mod sample;
mod sqlite;
