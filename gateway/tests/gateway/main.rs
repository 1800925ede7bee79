//! The gateway with a fake of the services: path → request message, response or Status → body.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::too_many_lines,
    reason = "tests: helpers may panic, and tables of cases are long"
)]

mod bugs;
mod conditional;
mod dash;
mod errors;
mod fake;
mod forms;
mod metadata;
mod methods;
mod middleware;
mod openapi;
mod projects;
mod queue;
mod refusals;
mod streaming;
mod summaries;
mod timeout;
mod upstream;

use std::collections::BTreeMap;

/// Metadata as the messages hold it.
fn fields(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = pairs.iter();
    pairs.map(|(name, json)| ((*name).to_owned(), (*json).to_owned())).collect()
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// A finished job of a spider named `s`.
fn job(key: &str) -> spiderq_proto::v1::Job {
    let mut numbers = key.split('/').map(|number| number.parse().unwrap());
    spiderq_proto::v1::Job {
        key: key.to_owned(),
        project: numbers.next().unwrap(),
        spider_id: numbers.next().unwrap(),
        spider_type: "manual".to_owned(),
        spider: "s".to_owned(),
        state: spiderq_proto::v1::JobState::Finished.into(),
        ts: 1_397_762_393_489,
        priority: 2,
        units: 1,
        updated_time: 1000,
        ..Default::default()
    }
}
