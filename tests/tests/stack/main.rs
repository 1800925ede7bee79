//! The whole server on real ports, over both stores. One binary, since each costs a link.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a step that cannot be done ends the test"
)]

mod access;
mod access_log;
mod answers;
mod api_keys;
mod audit;
mod bad_input;
mod bad_input_grpc;
mod body_limits;
mod cancel;
mod certificates;
mod changes_by_filter;
mod clients;
mod command_line;
mod connection_limits;
mod connections;
mod cors;
mod cross_site;
mod delete;
mod documented_examples;
mod errors;
mod filters;
mod forms;
mod grpc_limits;
mod grpc_transport;
mod grpc_web;
mod health;
mod heartbeat;
mod helpers;
mod hostile_texts;
mod http_rules;
mod http_workers;
mod job_fields;
mod job_life;
mod job_tokens;
mod job_tokens_forged;
mod kept_secrets;
mod killed_server;
mod large_jobs;
mod last_admin;
mod list;
mod many_waiters;
mod metadata;
mod openapi;
mod output;
mod page_tokens;
mod partial_push;
mod planted_secrets;
mod projects;
mod push;
mod quotas;
mod reaper;
mod reflection;
mod request_ids;
mod response_forms;
mod restore;
mod revoked_waits;
mod runners;
mod running_limits;
mod schedule;
mod secret_files;
mod secrets;
mod sessions;
mod settings;
mod shown_commands;
mod shutdown;
mod slow_readers;
mod spider_names;
mod spiders;
mod spiders_grpc;
mod start;
mod start_wait;
mod stop;
mod summaries;
mod tags;
mod tls;
mod trusted_user;
mod unauthenticated;
mod update;
mod watch;
mod watch_ends;
mod watch_progress;

use spiderq_tests::StoreKind;

/// Runs a test on SQLite, then on Redis; the last line of its output names the store.
async fn on_each_store(test: impl AsyncFn(StoreKind)) {
    for kind in StoreKind::ALL {
        eprintln!("on {kind:?}:");
        test(kind).await;
    }
}
