//! The limits of browsers' sessions.

use spiderq_core::limits::*;

use crate::rows::{API_KEYS, LIMITS_PAGE, README, Row};

const PAGE: &str = "docs/access.md";
const FLAGS: &str = "cli/src/args/serve.rs";

pub(crate) fn rows() -> Vec<Row> {
    let (hours, days) =
        (DEFAULT_SESSION_LIFETIME_MS / 3_600_000, MAX_SESSION_LIFETIME_MS / 86_400_000);
    vec![
        (
            "DEFAULT_SESSION_LIFETIME_MS",
            vec![
                (PAGE, format!("`--session-lifetime` ({hours} hours)")),
                (LIMITS_PAGE, format!("| {hours} hours (`--session-lifetime`")),
                (README, format!("`SPIDERQ_SESSION_LIFETIME` | {} |", hours * 3_600)),
            ],
        ),
        (
            "MAX_SESSION_LIFETIME_MS",
            vec![
                (PAGE, format!("at most {days} days and never longer than its key")),
                (LIMITS_PAGE, format!("`--session-lifetime`, up to {days} days)")),
                (FLAGS, format!("from a minute to {days} days")),
            ],
        ),
        ("MAX_SESSION_BYTES", vec![(API_KEYS, format!("at most {MAX_SESSION_BYTES} bytes"))]),
    ]
}
