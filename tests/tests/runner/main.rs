//! `spiderq runner` with real Scrapy: spiders of `tests/data/scrapy_project` crawl a site on
//! the loopback interface, scheduled by `curl`, run by the real program.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a step that cannot be done ends the test"
)]

mod away;
mod command;
mod crawled;
mod failed;
mod killed;
mod shared;
mod stopped;
mod unfit;
mod world;
