//! What parameters and fields accept, as refusals say it.

use std::sync::LazyLock;

use spiderq_core::limits::{
    MAX_LEASE_MS, MAX_PRIORITY, MAX_REQUEST_ID_BYTES, MAX_RUNNING_SETTING, MAX_START_WAIT_MS,
    MAX_UNITS, MIN_LEASE_MS,
};

pub(crate) const FLAG: &str = "must be 1 or 0, true or false, yes or no, on or off";
pub(crate) const CONTENT_RANGE: &str = "must name the first line, like: items 500-/*";
pub(crate) const INTEGER: &str = "must be an integer";
pub(crate) const JOB_KEY: &str = "is required, a job key like 123/1/2";
pub(crate) const JOB_OR_SPIDER_KEY: &str =
    "must be a job key like 53/7/81 or a spider key like 53/7";
pub(crate) const JSON_OBJECT: &str = "must be a JSON object";
pub(crate) const LEVEL: &str =
    "must be DEBUG, INFO, WARNING, ERROR, CRITICAL, or an integer, 0 or more";
pub(crate) const NOT_EMPTY: &str = "must not be empty";
pub(crate) const NOT_NEGATIVE: &str = "must be an integer, 0 or more";
pub(crate) const ONCE: &str = "must be given once";
pub(crate) const POSITIVE: &str = "must be a positive integer";
pub(crate) const SPIDER_ARGS: &str = "is not accepted here: name each argument by itself, or give \
     spider_args in meta";
pub(crate) const SCALAR: &str = "must be a string, a number or a boolean";
pub(crate) const SPIDER: &str = "is required, the name of a spider";
pub(crate) const SPIDER_ID: &str = "must be the number of a spider that exists";
pub(crate) const STATE: &str = "must be one of pending, running, finished, deleted";
pub(crate) const STRING: &str = "must be a string";
pub(crate) const STRINGS: &str = "must be an array of strings";
pub(crate) const TIME: &str = "must be an integer, milliseconds since the Unix epoch";
pub(crate) const UNICODE: &str = "must be a string of Unicode characters";
pub(crate) const UTF_8: &str = "must be UTF-8";

pub(crate) static LEASE: LazyLock<String> = LazyLock::new(|| {
    let (least, most) = (MIN_LEASE_MS / 1_000, MAX_LEASE_MS / 1_000);
    format!("must be an integer from {least} to {most} (seconds)")
});
pub(crate) static WAIT: LazyLock<String> = LazyLock::new(|| {
    format!("must be an integer from 0 to {} (seconds)", MAX_START_WAIT_MS / 1_000)
});
pub(crate) static MAX_RUNNING: LazyLock<String> =
    LazyLock::new(|| format!("must be a whole number from 0 to {MAX_RUNNING_SETTING}, or null"));
pub(crate) static PRIORITY: LazyLock<String> =
    LazyLock::new(|| format!("must be an integer from 0 (lowest) to {MAX_PRIORITY} (highest)"));
pub(crate) static REQUEST_ID: LazyLock<String> =
    LazyLock::new(|| format!("must be 1 to {MAX_REQUEST_ID_BYTES} bytes of ASCII text"));
pub(crate) static UNITS: LazyLock<String> =
    LazyLock::new(|| format!("must be an integer from 1 to {MAX_UNITS}"));
