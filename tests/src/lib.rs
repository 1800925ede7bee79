//! Helpers of the tests: a running server on either store, the real program as a child process,
//! Redis in each topology, and small HTTP and gRPC clients.
//!
//! They know the server from the outside only: ports, bytes, and the one call that starts it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a helper that cannot do its work ends the test that called it"
)]

pub mod redis_acl;
pub mod redis_cluster;
pub mod redis_commands;
pub mod redis_sentinels;
pub mod redis_server;
pub mod redis_tls;
pub mod store_contract;
pub mod store_model;

mod clients;
mod documented_examples;
mod grpc;
mod http;
mod message;
mod ports;
mod preload;
mod process;
mod raw;
mod redis_process;
mod s3_server;
mod site;
mod socket;
mod sqlite;
mod stack;
mod terminal;
mod time;
mod wait;

pub use self::{
    clients::{client_command, client_file, need, node_tool, python, run_client, start_crawl},
    documented_examples::{Example, run_example},
    grpc::{Client, Grpc},
    http::{Http, Response},
    message::{
        by_keys, by_name, by_number, item_error, item_fields, job_of, ms, pushed_key, span,
        update_error, update_of,
    },
    ports::free_port,
    preload::Preload,
    process::{Program, program, run, run_in},
    raw::call_raw,
    s3_server::S3Server,
    site::Site,
    socket::{MAGIC, Raw, SETTINGS},
    sqlite::sqlite_store,
    stack::{Stack, StoreKind, sqlite_url},
    terminal::Terminal,
    time::millis,
    wait::{Lateness, TIMEOUT, eventually},
};
