//! The limits of what requests and responses hold in memory.

use spiderq_core::limits::*;

use crate::{
    n,
    rows::{HTTP_PAGE, JOBS, LIMITS_PAGE, QUEUE, README, Row},
    seconds,
};

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = of_requests();
    rows.extend(of_responses());
    rows
}

fn of_requests() -> Vec<Row> {
    vec![
        ("DEFAULT_MAX_BODY_BYTES", {
            let size = bytes_text(DEFAULT_MAX_BODY_BYTES);
            vec![
                (README, format!("{size} a body after decompression")),
                (README, format!("`SPIDERQ_MAX_BODY` | {} |", size.replace(' ', ""))),
                (
                    LIMITS_PAGE,
                    format!(
                        "| body or gRPC message after decompression | {size} (`--max-body`) where"
                    ),
                ),
            ]
        }),
        (
            "MAX_METADATA_REQUEST_BYTES",
            vec![(
                LIMITS_PAGE,
                format!(
                    "{} where it takes the metadata of one job or the settings of a project;",
                    bytes_text(MAX_METADATA_REQUEST_BYTES)
                ),
            )],
        ),
        (
            "MAX_SMALL_REQUEST_BYTES",
            vec![(LIMITS_PAGE, format!("{} for all others;", bytes_text(MAX_SMALL_REQUEST_BYTES)))],
        ),
        ("MAX_MESSAGE_ELEMENTS", {
            let elements = format!(
                "| {}; of a list {}, also of numbers |",
                n(MAX_MESSAGE_ELEMENTS),
                n(MAX_ITEMS)
            );
            vec![(LIMITS_PAGE, elements)]
        }),
        (
            "MAX_PARAMETERS",
            vec![(LIMITS_PAGE, format!("of a query or form | {} |", n(MAX_PARAMETERS)))],
        ),
        ("MAX_KEYLESS_FORM_BYTES", {
            let size = bytes_text(MAX_KEYLESS_FORM_BYTES);
            vec![
                (LIMITS_PAGE, format!("in header or query | {size}, not compressed |")),
                (HTTP_PAGE, format!("at most {size}, not compressed")),
            ]
        }),
        (
            "FREE_MEMORY_BYTES",
            vec![(
                LIMITS_PAGE,
                format!("The first {} of each call", bytes_text(FREE_MEMORY_BYTES)),
            )],
        ),
        ("MAX_EXPANSION", vec![(LIMITS_PAGE, format!("| {MAX_EXPANSION} times, of what is"))]),
        (
            "FREE_EXPANSION_BYTES",
            vec![(LIMITS_PAGE, format!("beyond {} |", bytes_text(FREE_EXPANSION_BYTES)))],
        ),
    ]
}

fn of_responses() -> Vec<Row> {
    vec![
        ("MAX_PAGE_BYTES", {
            let size = bytes_text(MAX_PAGE_BYTES);
            vec![
                (LIMITS_PAGE, format!("| jobs of one response | {size} before compression")),
                (HTTP_PAGE, format!("a page before its jobs go beyond {size} (")),
                (JOBS, format!("go beyond {size}, and one at least")),
                (QUEUE, format!("go beyond {size}, and each has one at least")),
            ]
        }),
        ("MAX_STORE_PAGE_BYTES", {
            let size = bytes_text(MAX_STORE_PAGE_BYTES);
            vec![(LIMITS_PAGE, format!("reads in one step | {MAX_BATCH}, or {size} |"))]
        }),
        ("MEMORY_WAIT", {
            let wait = seconds(MEMORY_WAIT);
            let text = format!(
                "{MAX_MEMORY_WAITERS} calls with credentials wait, up to {wait} s for a body and as long for a response |"
            );
            vec![(LIMITS_PAGE, text)]
        }),
        (
            "MAX_MEMORY_WAITERS",
            vec![(LIMITS_PAGE, format!("| {MAX_MEMORY_WAITERS} calls with credentials wait"))],
        ),
    ]
}
