//! The limits of what responses hold in memory.

use spiderq_core::limits::*;

use crate::{
    rows::{HTTP_PAGE, JOBS, LIMITS_PAGE, QUEUE, Row},
    seconds,
};

pub(crate) fn rows() -> Vec<Row> {
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
            let text = format!("{MAX_MEMORY_WAITERS} responses wait, each up to {wait} s |");
            vec![(LIMITS_PAGE, text)]
        }),
        (
            "MAX_MEMORY_WAITERS",
            vec![(LIMITS_PAGE, format!("| {MAX_MEMORY_WAITERS} responses wait"))],
        ),
    ]
}
