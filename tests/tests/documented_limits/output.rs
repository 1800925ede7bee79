//! Limits of jobs' output.

use spiderq_core::limits::*;

use crate::{
    n,
    rows::{LIMITS_PAGE, README, Row},
};

const OUTPUT: &str = "proto/spiderq/v1/job_output_service.proto";
const ACCESS: &str = "docs/access.md";

pub(crate) fn rows() -> Vec<Row> {
    [of_appends(), of_reads()].into_iter().flatten().collect()
}

fn of_appends() -> Vec<Row> {
    let (line, batch) = (bytes_text(MAX_OUTPUT_LINE_BYTES), bytes_text(MAX_OUTPUT_BATCH_BYTES));
    let lines = n(MAX_OUTPUT_BATCH_LINES);
    let all = format!("{} GiB", DEFAULT_MAX_OUTPUT_BYTES >> 30);
    let late = OUTPUT_GRACE_MS / 1_000;
    vec![
        (
            "MAX_OUTPUT_LINE_BYTES",
            vec![
                (OUTPUT, format!("At most {line} a line")),
                (LIMITS_PAGE, format!("lines of one AppendOutput | {line};")),
            ],
        ),
        (
            "MAX_OUTPUT_BATCH_BYTES",
            vec![
                (OUTPUT, format!("and {batch} and {lines} lines in all")),
                (LIMITS_PAGE, format!("; {batch} and {lines} lines in all |")),
            ],
        ),
        (
            "MAX_OUTPUT_BATCH_LINES",
            vec![(LIMITS_PAGE, format!("also of numbers, of lines of output {lines} |"))],
        ),
        (
            "MAX_OUTPUT_REQUEST_BYTES",
            vec![(
                LIMITS_PAGE,
                format!("{} where it takes lines of output", bytes_text(MAX_OUTPUT_REQUEST_BYTES)),
            )],
        ),
        (
            "DEFAULT_MAX_OUTPUT_BYTES",
            vec![
                (README, format!("samples together | {all} |")),
                (LIMITS_PAGE, format!("all kinds together | {all} (setting `max_output_bytes`")),
            ],
        ),
        (
            "OUTPUT_GRACE_MS",
            vec![
                (OUTPUT, format!("finished less than {late} s ago")),
                (ACCESS, format!("for {late} s after a job's end it takes late lines")),
                (LIMITS_PAGE, format!("come after the job's end | {late} s |")),
            ],
        ),
    ]
}

fn of_reads() -> Vec<Row> {
    let filter = n(MAX_OUTPUT_FILTER_BYTES);
    let (tail, counts) = (n(MAX_OUTPUT_TAIL), n(MAX_OUTPUT_COUNTS));
    let page = bytes_text(MAX_OUTPUT_PAGE_BYTES);
    vec![
        (
            "MAX_OUTPUT_FILTER_BYTES",
            vec![
                (OUTPUT, format!("Case matters. At most {filter} bytes")),
                (OUTPUT, format!("of RE2; at most {filter} bytes")),
                (LIMITS_PAGE, format!("of ReadOutput; its `tail` | {filter} bytes;")),
            ],
        ),
        (
            "MAX_OUTPUT_TAIL",
            vec![
                (OUTPUT, format!("oldest first. At most {tail};")),
                (LIMITS_PAGE, format!("bytes; {tail} lines |")),
            ],
        ),
        (
            "MAX_OUTPUT_COUNTS",
            vec![
                (OUTPUT, format!("just the first {counts} fields")),
                (LIMITS_PAGE, format!("that an output counts | {counts} |")),
            ],
        ),
        (
            "MAX_OUTPUT_PAGE_BYTES",
            vec![
                (OUTPUT, format!("at most about {page} of them")),
                (LIMITS_PAGE, format!("one response of ReadOutput | {page} |")),
            ],
        ),
    ]
}
