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
mod output;
mod output_writes;
mod page;
mod projects;
mod queue;
mod refusals;
mod streaming;
mod summaries;
mod timeout;
mod upstream;
mod workers;

use std::collections::BTreeMap;

use spiderq_proto::{
    time::timestamp,
    v1::{Job, JobFilter, JobState, SpiderRef, SpiderType, spider_ref::Spider},
};

/// Metadata as the messages hold it.
fn fields(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = pairs.iter();
    pairs.map(|(name, json)| ((*name).to_owned(), (*json).to_owned())).collect()
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// A finished job of a spider named `s`.
fn job(key: &str) -> Job {
    let mut numbers = key.split('/').map(|number| number.parse().unwrap());
    Job {
        key: key.to_owned(),
        project: numbers.next().unwrap(),
        spider_id: numbers.next().unwrap(),
        spider_type: SpiderType::Manual.into(),
        spider_name: "s".to_owned(),
        state: JobState::Finished.into(),
        state_time: Some(timestamp(1_397_762_393_489)),
        priority: 2,
        units: 1,
        updated_time: Some(timestamp(1000)),
        ..Job::default()
    }
}

fn by_id(id: i64) -> SpiderRef {
    SpiderRef { spider: Some(Spider::Id(id)) }
}

fn by_name(name: &str) -> SpiderRef {
    SpiderRef { spider: Some(Spider::Name(name.to_owned())) }
}

/// Just these jobs.
fn keys(keys: &[&str]) -> Option<JobFilter> {
    Some(JobFilter { keys: texts(keys), ..JobFilter::default() })
}
