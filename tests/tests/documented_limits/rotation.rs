//! The limits of a rotation of API keys.

use spiderq_core::limits::{DEFAULT_KEY_KEEP_MS, MAX_KEY_KEEP_MS};

use crate::rows::{API_KEYS, HTTP_PAGE, README, Row};

/// The command line.
const FLAGS: &str = "cli/src/args/key.rs";

pub(crate) fn rows() -> Vec<Row> {
    let (hours, days) = (DEFAULT_KEY_KEEP_MS / 3_600_000, MAX_KEY_KEEP_MS / 86_400_000);
    vec![
        (
            "DEFAULT_KEY_KEEP_MS",
            vec![
                (API_KEYS, format!("Default {hours} hour;")),
                (HTTP_PAGE, format!("after `keep` ({hours} hour unless")),
                (README, format!("good for `--keep` more, {hours} hour")),
                (FLAGS, format!("\"{hours}h\"")),
            ],
        ),
        (
            "MAX_KEY_KEEP_MS",
            vec![
                (API_KEYS, format!("up to {days} days;")),
                (HTTP_PAGE, format!("; up to {days} days)")),
                (FLAGS, format!("up to {days}d;")),
            ],
        ),
    ]
}
