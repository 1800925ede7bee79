//! The settings of a project that mean something to the service: what each accepts, and what
//! it is when it is not set. All others are the user's own.

use std::ops::RangeInclusive;

use spiderq_core::{
    error::{Error, Result},
    model::{JsonText, Metadata},
    store::{MAX_RUNNING, MAX_RUNNING_UNITS},
};

/// What becomes of a running job whose lease has ended: `requeue` (default) or `finish`.
pub(super) const ON_LOST: &str = "on_lost";
/// Most attempts of a job that is requeued when its worker is lost.
pub(super) const MAX_ATTEMPTS: &str = "max_attempts";
/// How long a running job may take to end after it was asked to stop, seconds.
pub(super) const CANCEL_TIMEOUT: &str = "cancel_timeout";

/// Without the setting of that name.
const DEFAULT_MAX_ATTEMPTS: u64 = 3;
/// Without the setting of that name, seconds.
const DEFAULT_CANCEL_TIMEOUT: u64 = 300;

/// Whole numbers up to here are the same in every reader of JSON.
const LARGEST: u64 = (1 << 53) - 1;

/// What a setting may be beside null, which is as if it were not set.
enum Accepts {
    /// A whole number in plain decimal.
    Number(RangeInclusive<u64>),
    /// One of these texts.
    Text(&'static [&'static str]),
}

use Accepts::{Number, Text};

const TABLE: [(&str, Accepts); 11] = [
    (MAX_RUNNING, Number(0..=1_000_000)),
    (MAX_RUNNING_UNITS, Number(0..=1_000_000)),
    (ON_LOST, Text(&["requeue", "finish"])),
    (MAX_ATTEMPTS, Number(1..=1_000)),
    (CANCEL_TIMEOUT, Number(1..=86_400)),
    ("keep_finished_days", Number(0..=LARGEST)),
    ("keep_finished_jobs", Number(0..=LARGEST)),
    ("keep_finished_bytes", Number(0..=LARGEST)),
    ("keep_deleted_days", Number(0..=LARGEST)),
    ("keep_deleted_jobs", Number(0..=LARGEST)),
    ("keep_deleted_bytes", Number(0..=LARGEST)),
];

/// What becomes of a project's lost jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lost {
    /// Whether they go back to pending …
    pub(super) requeue: bool,
    /// … unless they were started so often.
    pub(super) max_attempts: u64,
}

/// Refuses settings to write if one of the table is not what it may be.
pub(super) fn check(settings: &Metadata) -> Result<()> {
    for (name, accepts) in &TABLE {
        if let Some(value) = settings.get(name)
            && value.as_str() != "null"
            && !accepts.allows(value)
        {
            return Err(Error::invalid(*name, accepts.told()));
        }
    }
    Ok(())
}

/// See [`CANCEL_TIMEOUT`].
pub(super) fn cancel_timeout(settings: &Metadata) -> u64 {
    number(settings, CANCEL_TIMEOUT).unwrap_or(DEFAULT_CANCEL_TIMEOUT)
}

/// See [`ON_LOST`] and [`MAX_ATTEMPTS`].
pub(super) fn lost(settings: &Metadata) -> Lost {
    let on_lost = settings.get(ON_LOST).and_then(JsonText::as_text);
    Lost {
        requeue: on_lost.as_deref() != Some("finish"),
        max_attempts: number(settings, MAX_ATTEMPTS).unwrap_or(DEFAULT_MAX_ATTEMPTS),
    }
}

/// A number of the table; `None` where it is not set, or not what it may be: it was then
/// written past this table.
pub(super) fn number(settings: &Metadata, name: &str) -> Option<u64> {
    let (_, accepts) = TABLE.iter().find(|(known, _)| *known == name)?;
    let value = settings.get(name)?;
    accepts.allows(value).then(|| plain(value))?
}

impl Accepts {
    fn allows(&self, value: &JsonText) -> bool {
        match self {
            Number(range) => plain(value).is_some_and(|number| range.contains(&number)),
            Text(texts) => value.as_text().is_some_and(|text| texts.contains(&text.as_str())),
        }
    }

    fn told(&self) -> String {
        match self {
            Number(range) if *range.end() == LARGEST => {
                format!("must be a whole number, at least {}, or null", range.start())
            }
            Number(range) => {
                format!("must be a whole number from {} to {}, or null", range.start(), range.end())
            }
            Text(texts) => {
                let quoted: Vec<String> = texts.iter().map(|text| format!("\"{text}\"")).collect();
                format!("must be {} or null", quoted.join(", "))
            }
        }
    }
}

/// The value of digits alone. JSON allows no leading zeros.
fn plain(value: &JsonText) -> Option<u64> {
    let text = value.as_str();
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(name: &str, value: &str) -> Metadata {
        let mut settings = Metadata::default();
        settings.set(name, JsonText::parse(value).unwrap());
        settings
    }

    #[test]
    fn what_a_setting_accepts_is_told_when_it_is_refused() {
        for (name, value, told) in [
            ("max_running", "-1", "must be a whole number from 0 to 1000000, or null"),
            ("max_running", "1.0", "must be a whole number from 0 to 1000000, or null"),
            ("max_running_units", "1000001", "must be a whole number from 0 to 1000000, or null"),
            ("max_running_units", "\"5\"", "must be a whole number from 0 to 1000000, or null"),
            ("on_lost", "\"forget\"", "must be \"requeue\", \"finish\" or null"),
            ("on_lost", "1", "must be \"requeue\", \"finish\" or null"),
            ("max_attempts", "0", "must be a whole number from 1 to 1000, or null"),
            ("cancel_timeout", "86401", "must be a whole number from 1 to 86400, or null"),
            ("keep_finished_days", "1e3", "must be a whole number, at least 0, or null"),
            ("keep_deleted_bytes", "[]", "must be a whole number, at least 0, or null"),
        ] {
            let refused = check(&settings(name, value)).unwrap_err();
            assert_eq!(refused.to_string(), format!("{name}: {told}"));
        }
    }

    #[test]
    fn every_bound_is_accepted_and_so_are_null_and_other_names() {
        for (name, value) in [
            ("max_running", "0"),
            ("max_running", "1000000"),
            ("on_lost", "\"finish\""),
            ("max_attempts", "1"),
            ("cancel_timeout", "86400"),
            ("keep_finished_jobs", "9007199254740991"),
            ("cancel_timeout", "null"),
            ("mine", "{\"max_running\": -1}"),
        ] {
            check(&settings(name, value)).unwrap();
        }
    }

    #[test]
    fn what_is_not_set_or_makes_no_sense_is_the_default() {
        let none = Metadata::default();
        assert_eq!(cancel_timeout(&none), 300);
        assert_eq!(cancel_timeout(&settings("cancel_timeout", "2")), 2);
        assert_eq!(cancel_timeout(&settings("cancel_timeout", "0")), 300);
        let (requeue, max_attempts) = (true, 3);
        let default = Lost { requeue, max_attempts };
        assert_eq!(lost(&none), default);
        assert_eq!(lost(&settings("on_lost", "\"x\"")), default);
        assert!(!lost(&settings("on_lost", "\"finish\"")).requeue);
        assert_eq!(lost(&settings("max_attempts", "7")).max_attempts, 7);
    }
}
