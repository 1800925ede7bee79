//! `spiderq runner` with real Scrapy: spiders of `tests/data/scrapy_project` crawl a site on
//! the loopback interface, scheduled by `curl`, run by the real program.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a step that cannot be done ends the test"
)]

mod cannot_run;
mod command_safety;
mod commands;
mod crawl;
mod data_dir;
mod descendants;
mod drain;
mod failed_jobs;
mod killed_runner;
mod left_output;
mod left_world;
mod limits;
mod once;
mod output;
mod private_output;
mod registration;
mod s3_output;
mod secrets;
mod server_away;
mod stop;
mod terminal;
mod units_and_projects;
mod users;
mod world;
