//! Limits of the audit.

use spiderq_core::limits::*;

use crate::{
    n,
    rows::{LIMITS_PAGE, README, Row},
    seconds,
};

const PAGE: &str = "docs/access.md";
const AUDIT: &str = "proto/spiderq/v1/audit_service.proto";

pub(crate) fn rows() -> Vec<Row> {
    let (days, most) = (DEFAULT_AUDIT_KEEP_DAYS, n(MAX_AUDIT_EVENTS));
    let scan = n(u64::try_from(MAX_AUDIT_SCAN).unwrap());
    let subject = n(u64::try_from(MAX_AUDIT_SUBJECT_BYTES).unwrap());
    let sources = n(u64::try_from(MAX_SAMPLED_SOURCES).unwrap());
    vec![
        (
            "DEFAULT_AUDIT_KEEP_DAYS",
            vec![
                (README, format!("`SPIDERQ_AUDIT_KEEP` | {days} |")),
                (PAGE, format!("for `--audit-keep` days ({days};")),
                (LIMITS_PAGE, format!("| {days} days (`--audit-keep`")),
            ],
        ),
        (
            "MAX_AUDIT_KEEP_DAYS",
            vec![(LIMITS_PAGE, format!("`--audit-keep`, up to {})", n(MAX_AUDIT_KEEP_DAYS)))],
        ),
        (
            "MAX_AUDIT_EVENTS",
            vec![
                (PAGE, format!("at most {most} of them")),
                (LIMITS_PAGE, format!("at most {most} |")),
            ],
        ),
        (
            "MAX_AUDIT_SCAN",
            vec![
                (AUDIT, format!("a call looks at {scan} events")),
                ("docs/contract.md", format!("a call looks at {scan} events")),
                (LIMITS_PAGE, format!("one call looks at | {scan} |")),
            ],
        ),
        (
            "MAX_AUDIT_SUBJECT_BYTES",
            vec![
                (AUDIT, format!("At most {subject} bytes;")),
                (PAGE, format!("A subject is at most {subject} bytes.")),
            ],
        ),
        (
            "MAX_SAMPLED_SOURCES",
            vec![
                (PAGE, format!("of up to {sources} addresses")),
                (LIMITS_PAGE, format!("counted each | {sources} |")),
            ],
        ),
        (
            "AUDIT_INTERVAL",
            vec![(LIMITS_PAGE, format!("about once in {} s |", seconds(AUDIT_INTERVAL)))],
        ),
    ]
}
