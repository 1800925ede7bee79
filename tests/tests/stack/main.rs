//! The whole service on real ports, over both stores: one binary, as each costs a link.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a step that cannot be done ends the test"
)]

mod access;
mod auth;
mod concurrency;
mod connections;
mod cors;
mod draining;
mod exactness;
mod examples;
mod forged;
mod forms;
mod grpc;
mod grpc_life;
mod grpc_limits;
mod grpc_refused;
mod grpc_tools;
mod hostile_fields;
mod hostile_names;
mod hostile_projects;
mod json_text;
mod limits;
mod limits_of_projects;
mod lists;
mod openapi;
mod program;
mod projects;
mod python_client;
mod readme;
mod reaper;
mod refused;
mod request_ids;
mod restart;
mod secrets;
mod seeds;
mod size_limit;
mod strangers;
mod tls;
mod tokens;
mod waiting;
mod watch;
mod watch_ends;

use spiderq_tests::StoreKind;

/// Runs a test on SQLite, then on Redis. Which one it was is the last line it printed.
async fn on_each_store(test: impl AsyncFn(StoreKind)) {
    for kind in StoreKind::ALL {
        eprintln!("on {kind:?}:");
        test(kind).await;
    }
}
