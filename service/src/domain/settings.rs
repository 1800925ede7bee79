//! A project's settings: reading and changing them. The table says which of them mean something
//! to the service, what each accepts, and what holds when it is not set; all others are the
//! user's own.

use std::ops::RangeInclusive;

use super::{Domain, check_items};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    limits::{
        DEFAULT_CANCEL_TIMEOUT_S, DEFAULT_MAX_ATTEMPTS, MAX_ATTEMPTS_SETTING, MAX_CANCEL_TIMEOUT_S,
        MAX_METADATA_BYTES, MAX_NUMBER, MAX_RUNNING_SETTING, bytes_text,
    },
    model::{FieldName, JsonText, Metadata, ProjectId, Role},
    store::{MAX_RUNNING, MAX_RUNNING_UNITS, SettingsChange},
};

/// What becomes of a running job whose lease has ended: `requeue` (default) or `finish`.
pub(super) const ON_LOST: &str = "on_lost";
/// How many attempts a job may have that is requeued when its worker is lost.
pub(super) const MAX_ATTEMPTS: &str = "max_attempts";
/// How long a running job may take to end after it was asked to stop, s.
pub(super) const CANCEL_TIMEOUT: &str = "cancel_timeout";

/// What a setting accepts beside null, which means that it is not set.
enum Accepts {
    /// A whole number in plain decimal.
    Number(RangeInclusive<u64>),
    /// One of these texts.
    Text(&'static [&'static str]),
}

use Accepts::{Number, Text};

const TABLE: [(&str, Accepts); 11] = [
    (MAX_RUNNING, Number(0..=MAX_RUNNING_SETTING)),
    (MAX_RUNNING_UNITS, Number(0..=MAX_RUNNING_SETTING)),
    (ON_LOST, Text(&["requeue", "finish"])),
    (MAX_ATTEMPTS, Number(1..=MAX_ATTEMPTS_SETTING)),
    (CANCEL_TIMEOUT, Number(1..=MAX_CANCEL_TIMEOUT_S)),
    ("keep_finished_days", Number(0..=MAX_NUMBER)),
    ("keep_finished_jobs", Number(0..=MAX_NUMBER)),
    ("keep_finished_bytes", Number(0..=MAX_NUMBER)),
    ("keep_deleted_days", Number(0..=MAX_NUMBER)),
    ("keep_deleted_jobs", Number(0..=MAX_NUMBER)),
    ("keep_deleted_bytes", Number(0..=MAX_NUMBER)),
];

/// What becomes of a project's running jobs whose lease has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LostJobs {
    /// Whether they go back to pending …
    pub(super) requeue: bool,
    /// … unless they had this many attempts.
    pub(super) max_attempts: u64,
}

impl Domain {
    /// All settings of a project.
    pub async fn get_settings(&self, caller: &Caller, project: ProjectId) -> Result<Metadata> {
        caller.may(Role::Read, project)?;
        self.store.settings(project).await
    }

    /// Sets these settings and keeps the others.
    pub async fn set_settings(
        &self,
        caller: &Caller,
        project: ProjectId,
        settings: Metadata,
    ) -> Result<()> {
        caller.may(Role::User, project)?;
        settings.check_size().map_err(|error| error.with_field("settings"))?;
        check(&settings)?;
        if settings.is_empty() {
            return Ok(());
        }
        if self.store.change_settings(project, SettingsChange::Merge(settings)).await? {
            return Ok(());
        }
        let limit =
            format!("of a project must be at most {} in all", bytes_text(MAX_METADATA_BYTES));
        Err(Error::too_large("settings", limit))
    }

    /// Removes settings; `None`: all of them.
    pub async fn delete_settings(
        &self,
        caller: &Caller,
        project: ProjectId,
        names: Option<Vec<FieldName>>,
    ) -> Result<()> {
        caller.may(Role::User, project)?;
        if let Some(names) = &names {
            check_items("names", names.len())?;
        }
        let change = names.map_or(SettingsChange::Clear, SettingsChange::Remove);
        self.store.change_settings(project, change).await?;
        Ok(())
    }
}

/// Refuses settings if the table does not accept one of them.
fn check(settings: &Metadata) -> Result<()> {
    for (name, accepts) in &TABLE {
        if let Some(value) = settings.get(name)
            && value.as_str() != "null"
            && !accepts.allows(value)
        {
            return Err(Error::invalid(*name, accepts.text()));
        }
    }
    Ok(())
}

/// The setting [`CANCEL_TIMEOUT`] or its default, s.
pub(super) fn cancel_timeout(settings: &Metadata) -> u64 {
    number(settings, CANCEL_TIMEOUT).unwrap_or(DEFAULT_CANCEL_TIMEOUT_S)
}

/// The settings [`ON_LOST`] and [`MAX_ATTEMPTS`] or their defaults.
pub(super) fn lost_jobs(settings: &Metadata) -> LostJobs {
    let on_lost = settings.get(ON_LOST).and_then(JsonText::as_text);
    LostJobs {
        requeue: on_lost.as_deref() != Some("finish"),
        max_attempts: number(settings, MAX_ATTEMPTS).unwrap_or(DEFAULT_MAX_ATTEMPTS),
    }
}

/// A number of the table; `None` where it is not set. A value that the table does not accept was
/// written past it, and counts as not set.
pub(super) fn number(settings: &Metadata, name: &str) -> Option<u64> {
    let (_, accepts) = TABLE.iter().find(|(known, _)| *known == name)?;
    let value = settings.get(name)?;
    accepts.allows(value).then(|| whole_number(value))?
}

impl Accepts {
    fn allows(&self, value: &JsonText) -> bool {
        match self {
            Number(range) => whole_number(value).is_some_and(|number| range.contains(&number)),
            Text(texts) => value.as_text().is_some_and(|text| texts.contains(&text.as_str())),
        }
    }

    fn text(&self) -> String {
        match self {
            Number(range) if *range.end() == MAX_NUMBER => {
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

/// Digits alone: no sign, fraction or exponent. JSON itself allows no leading zeros.
fn whole_number(value: &JsonText) -> Option<u64> {
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
    fn a_refused_setting_says_what_it_accepts() {
        for (name, value, accepted) in [
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
            assert_eq!(refused.to_string(), format!("{name}: {accepted}"));
        }
    }

    #[test]
    fn settings_accept_their_bounds_and_null_and_other_names_accept_anything() {
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
    fn settings_that_are_missing_or_malformed_have_their_defaults() {
        let none = Metadata::default();
        assert_eq!(cancel_timeout(&none), 300);
        assert_eq!(cancel_timeout(&settings("cancel_timeout", "2")), 2);
        assert_eq!(cancel_timeout(&settings("cancel_timeout", "0")), 300);
        let (requeue, max_attempts) = (true, 3);
        let default = LostJobs { requeue, max_attempts };
        assert_eq!(lost_jobs(&none), default);
        assert_eq!(lost_jobs(&settings("on_lost", "\"x\"")), default);
        assert!(!lost_jobs(&settings("on_lost", "\"finish\"")).requeue);
        assert_eq!(lost_jobs(&settings("max_attempts", "7")).max_attempts, 7);
    }
}
