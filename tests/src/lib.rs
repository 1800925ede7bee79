//! Helpers of the whole-stack tests: a running service on either store, the real program as
//! a child process, and small HTTP and gRPC clients.
//!
//! Knows the service from the outside only: ports, bytes, and the one call that starts it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a helper that cannot do its work ends the test that called it"
)]

pub mod redis_acl;
pub mod redis_cluster;
pub mod redis_sentinels;
pub mod redis_server;
pub mod redis_tls;
pub mod store_contract;
pub mod store_model;

mod clients;
mod eventually;
mod grpc;
mod http;
mod process;
mod raw;
mod redis_process;
mod seeds;
mod site;
mod socket;
mod stack;
mod time;

pub use self::{
    clients::{client_file, need, node_tool, python, run_client, start_crawl},
    eventually::eventually,
    grpc::{Client, Grpc},
    http::{Answer, Http},
    process::{Program, free_port, program, run},
    raw::call_raw,
    seeds::{Seed, run_seed},
    site::Site,
    socket::{MAGIC, Raw, SETTINGS},
    stack::{Stack, StoreKind},
    time::millis,
};
