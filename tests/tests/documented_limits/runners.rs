//! Limits of runners.

use spiderq_core::limits::*;

use crate::{
    n,
    rows::{LIMITS_PAGE, Row},
    seconds,
};

const PAGE: &str = "docs/runner.md";
const PROTO: &str = "proto/spiderq/v1/runner_service.proto";

pub(crate) fn rows() -> Vec<Row> {
    [of_times(), of_sizes()].concat()
}

fn of_times() -> Vec<Row> {
    let days = RUNNER_KEPT.as_secs() / (24 * 60 * 60);
    let lost = seconds(RUNNER_LOST_AFTER);
    vec![
        ("RUNNER_REPORT_INTERVAL", {
            vec![(PAGE, format!("every {} s:", seconds(RUNNER_REPORT_INTERVAL)))]
        }),
        (
            "RUNNER_LOST_AFTER",
            vec![
                (PAGE, format!("nothing for {lost} s is `lost`")),
                (PROTO, format!("at least every {lost} s.")),
                (LIMITS_PAGE, format!("lost after {lost} s without a report")),
            ],
        ),
        (
            "RUNNER_KEPT",
            vec![
                (PAGE, format!("is kept for {days} days")),
                (PROTO, format!("and all after {days} days.")),
                (LIMITS_PAGE, format!("for {days} days after they last reported")),
                ("docs/contract.md", format!("those of the last {days} days")),
            ],
        ),
    ]
}

fn of_sizes() -> Vec<Row> {
    let most = n(u64::try_from(MAX_RUNNERS).unwrap());
    let bytes = |most: usize| format!("t most {} bytes.", most);
    let spiders = n(u64::try_from(MAX_RUNNER_SPIDERS).unwrap());
    let list = n(u64::try_from(MAX_RUNNER_LIST).unwrap());
    vec![
        (
            "MAX_RUNNERS",
            vec![
                (PROTO, format!("At most {most} runners of")),
                (LIMITS_PAGE, format!("| runners that are kept | {most} of")),
            ],
        ),
        (
            "MAX_RUNNERS_BYTES",
            vec![
                (PROTO, format!("runners of {} in all", bytes_text(MAX_RUNNERS_BYTES))),
                (LIMITS_PAGE, format!("of {} in all, for", bytes_text(MAX_RUNNERS_BYTES))),
            ],
        ),
        (
            "RUNNER_PAGE_BYTES",
            vec![
                (PROTO, format!("where they take {}.", bytes_text(RUNNER_PAGE_BYTES))),
                (
                    LIMITS_PAGE,
                    format!("runners.json` | 1,000 and {} |", bytes_text(RUNNER_PAGE_BYTES)),
                ),
            ],
        ),
        ("MAX_RUNNER_ID_BYTES", vec![(PROTO, format!("1 to {MAX_RUNNER_ID_BYTES} letters,"))]),
        ("MAX_RUNNER_NAME_BYTES", vec![(PROTO, bytes(MAX_RUNNER_NAME_BYTES))]),
        ("MAX_RUNNER_VERSION_BYTES", vec![(PROTO, bytes(MAX_RUNNER_VERSION_BYTES))]),
        (
            "MAX_RUNNER_SPIDERS",
            vec![
                (PROTO, format!("Their names, at most {spiders} and")),
                (LIMITS_PAGE, format!("it takes jobs | {spiders} and")),
            ],
        ),
        (
            "MAX_RUNNER_SPIDERS_BYTES",
            vec![
                (PROTO, format!("and {} in all.", bytes_text(MAX_RUNNER_SPIDERS_BYTES))),
                (
                    LIMITS_PAGE,
                    format!(
                        "and {} of names; {list}; {list} |",
                        bytes_text(MAX_RUNNER_SPIDERS_BYTES)
                    ),
                ),
            ],
        ),
        (
            "MAX_RUNNER_LIST",
            vec![
                (PROTO, format!("takes, at most {list}.")),
                (PROTO, format!("these spiders only, at most {list}.")),
            ],
        ),
    ]
}
