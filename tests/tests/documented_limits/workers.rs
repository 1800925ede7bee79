//! The limits of workers, and where each is stated.

use std::time::Duration;

use spiderq_core::limits::*;

use crate::{
    n,
    rows::{ARCHITECTURE, HTTP_PAGE, LIMITS_PAGE, OPENAPI, QUEUE, README, Row},
};

pub(crate) fn rows() -> Vec<Row> {
    of_leases().into_iter().chain(of_starts_and_ends()).collect()
}

fn of_leases() -> Vec<Row> {
    let (lease, most_h) = (n(DEFAULT_LEASE_MS / 1_000), n(MAX_LEASE_MS / 3_600_000));
    let (least_s, most_s) = (n(MIN_LEASE_MS / 1_000), n(MAX_LEASE_MS / 1_000));
    vec![
        (
            "MIN_LEASE_MS",
            vec![
                (QUEUE, format!("from now: {least_s} s to {most_h} h.")),
                (HTTP_PAGE, format!("`lease` | seconds, {least_s} to {most_s}.")),
                (HTTP_PAGE, format!("`lease` | seconds from now on, {least_s} to {most_s},")),
            ],
        ),
        (
            "MAX_LEASE_MS",
            vec![
                (QUEUE, format!("silent: {least_s} s to {most_h} h.")),
                (
                    OPENAPI,
                    format!(r#""minimum": {least_s}, "maximum": {}}}"#, MAX_LEASE_MS / 1_000),
                ),
            ],
        ),
        (
            "DEFAULT_LEASE_MS",
            vec![
                (QUEUE, format!("h. Not given: {lease} s.")),
                (HTTP_PAGE, format!("{most_s}, default {};", DEFAULT_LEASE_MS / 1_000)),
                (README, format!("**lease** ({} s unless", DEFAULT_LEASE_MS / 1_000)),
                (ARCHITECTURE, format!("{} s by default", DEFAULT_LEASE_MS / 1_000)),
            ],
        ),
        (
            "MIN_OUTAGE_MS",
            vec![(
                LIMITS_PAGE,
                format!(
                    "no process made a round of the reaper for {} s or longer",
                    MIN_OUTAGE_MS / 1_000
                ),
            )],
        ),
        (
            "MAX_HEARTBEAT_GRACE_MS",
            vec![(LIMITS_PAGE, format!("at most {} s", MAX_HEARTBEAT_GRACE_MS / 1_000))],
        ),
    ]
}

fn of_starts_and_ends() -> Vec<Row> {
    let wait_s = n(MAX_START_WAIT_MS / 1_000);
    let start = bytes_text(MAX_START_METADATA_BYTES);
    vec![
        (
            "MAX_START_WAIT_MS",
            vec![
                (QUEUE, format!("How long to wait for a job: up to {wait_s} s.")),
                (README, format!("up to {wait_s} s (`wait`)")),
                (LIMITS_PAGE, format!("| {wait_s} s (`wait`)")),
                (HTTP_PAGE, format!("seconds to wait for a job, 0 to {wait_s};")),
                (OPENAPI, format!(r#""minimum": 0, "maximum": {wait_s}, "default": 0}}"#)),
            ],
        ),
        ("START_DEADLINE_MARGIN", {
            assert_eq!(START_DEADLINE_MARGIN, Duration::from_millis(500));
            vec![(LIMITS_PAGE, "half a second less than its `grpc-timeout`".to_owned())]
        }),
        (
            "MAX_START_METADATA_BYTES",
            vec![
                (README, format!("({start} in a start)")),
                (HTTP_PAGE, format!("merge into the job, at most {start}.")),
                (QUEUE, format!("At most {start}, not counted")),
            ],
        ),
        (
            "DEFAULT_MAX_ATTEMPTS",
            vec![(README, format!("at most | `\"requeue\"`, {DEFAULT_MAX_ATTEMPTS} |"))],
        ),
        (
            "DEFAULT_CANCEL_TIMEOUT_S",
            vec![
                (README, format!("may take to stop | {DEFAULT_CANCEL_TIMEOUT_S} |")),
                (HTTP_PAGE, format!("(default {DEFAULT_CANCEL_TIMEOUT_S} s)")),
                (QUEUE, format!("default {DEFAULT_CANCEL_TIMEOUT_S}) says how long")),
            ],
        ),
    ]
}
