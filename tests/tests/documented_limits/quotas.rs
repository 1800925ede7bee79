//! The default quotas of API keys and the default deadlines of calls, and where each is stated.

use spiderq_core::limits::*;

use crate::{
    n,
    rows::{API_KEYS, LIMITS_PAGE, Row},
    seconds,
};

const FLAGS: &str = "cli/src/args/quotas.rs";

pub(crate) fn rows() -> Vec<Row> {
    let quota = |limit, flag: &str, most: u64| -> Row {
        let places = vec![
            (LIMITS_PAGE, format!("| {} (`--quota-{flag}`) |", n(most))),
            (API_KEYS, format!("Default {}.", n(most))),
            (FLAGS, format!("Default: {most}.")),
        ];
        (limit, places)
    };
    let (call, list) = (seconds(DEFAULT_CALL_TIMEOUT), seconds(DEFAULT_LIST_TIMEOUT));
    let start = n(DEFAULT_CALL_TIMEOUT.as_secs() + MAX_START_WAIT_MS / 1_000);
    let timeouts = format!("| {call} s; a StartJob {start} s, a ListQueue {list} s,");
    vec![
        quota("DEFAULT_QUOTA_RATE", "rate", DEFAULT_QUOTA_RATE),
        quota("DEFAULT_QUOTA_BURST", "burst", DEFAULT_QUOTA_BURST),
        quota("DEFAULT_QUOTA_CALLS", "calls", DEFAULT_QUOTA_CALLS),
        quota("DEFAULT_QUOTA_WAITS", "waits", DEFAULT_QUOTA_WAITS),
        quota("DEFAULT_QUOTA_WATCHES", "watches", DEFAULT_QUOTA_WATCHES),
        quota("DEFAULT_QUOTA_PROJECTS", "projects", DEFAULT_QUOTA_PROJECTS),
        quota("DEFAULT_QUOTA_JOBS", "jobs", DEFAULT_QUOTA_JOBS),
        quota("DEFAULT_QUOTA_BYTES", "bytes", DEFAULT_QUOTA_BYTES),
        ("MAX_QUOTA", vec![(API_KEYS, format!("1 to {} the limit", n(MAX_QUOTA)))]),
        ("DEFAULT_CALL_TIMEOUT", vec![(LIMITS_PAGE, timeouts.clone())]),
        ("DEFAULT_LIST_TIMEOUT", vec![(LIMITS_PAGE, timeouts)]),
    ]
}
