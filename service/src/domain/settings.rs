//! A project's settings: reading and changing them. The table says which of them mean something
//! to the service, and what each accepts; all others are the user's own. What holds where one
//! is not set is in `core/src/limits.rs`.

use std::ops::RangeInclusive;

use super::Domain;
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    limits::{
        DEFAULT_CANCEL_TIMEOUT_S, DEFAULT_MAX_ATTEMPTS, DEFAULT_MAX_OUTPUT_BYTES,
        MAX_ATTEMPTS_SETTING, MAX_CANCEL_TIMEOUT_S, MAX_METADATA_BYTES, MAX_NUMBER,
        MAX_RUNNING_SETTING, bytes_text,
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

/// How many pending and running jobs the project may have for more to be added.
pub(super) const MAX_JOBS: &str = "max_jobs";

/// Whether jobs of a spider that no runner has are let in: `any` (default) or `known`.
pub(super) const SPIDERS: &str = "spiders";

/// How many bytes the outputs of one attempt may have together.
pub(super) const MAX_OUTPUT_BYTES: &str = "max_output_bytes";
/// How old the output of a finished job may get, days; and how large that of all in the project.
pub(super) const KEEP_OUTPUT_DAYS: &str = "keep_output_days";
pub(super) const KEEP_OUTPUT_BYTES: &str = "keep_output_bytes";

/// A name of the table with up to so many wrong letters is taken for a typing error …
const MAX_TYPOS: usize = 2;
/// … one for each so many letters of the name.
const LETTERS_PER_TYPO: usize = 5;

/// What a setting accepts beside null, which means that it is not set.
enum Accepts {
    /// A whole number in plain decimal.
    Number(RangeInclusive<u64>),
    /// One of these texts.
    Text(&'static [&'static str]),
}

use Accepts::{Number, Text};

const TABLE: [(&str, Accepts); 16] = [
    (MAX_RUNNING, Number(0..=MAX_RUNNING_SETTING)),
    (MAX_RUNNING_UNITS, Number(0..=MAX_RUNNING_SETTING)),
    (ON_LOST, Text(&["requeue", "finish"])),
    (MAX_ATTEMPTS, Number(1..=MAX_ATTEMPTS_SETTING)),
    (MAX_JOBS, Number(0..=MAX_NUMBER)),
    (SPIDERS, Text(&["any", "known"])),
    (CANCEL_TIMEOUT, Number(1..=MAX_CANCEL_TIMEOUT_S)),
    ("keep_finished_days", Number(0..=MAX_NUMBER)),
    ("keep_finished_jobs", Number(0..=MAX_NUMBER)),
    ("keep_finished_bytes", Number(0..=MAX_NUMBER)),
    ("keep_deleted_days", Number(0..=MAX_NUMBER)),
    ("keep_deleted_jobs", Number(0..=MAX_NUMBER)),
    ("keep_deleted_bytes", Number(0..=MAX_NUMBER)),
    (MAX_OUTPUT_BYTES, Number(0..=MAX_NUMBER)),
    (KEEP_OUTPUT_DAYS, Number(0..=MAX_NUMBER)),
    (KEEP_OUTPUT_BYTES, Number(0..=MAX_NUMBER)),
];

/// What becomes of a project's running jobs whose lease has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LostJobs {
    /// Whether they go back to pending …
    pub(super) requeue: bool,
    /// … unless they had this many attempts.
    pub(super) max_attempts: u64,
}

/// An update of settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingsUpdate {
    /// Settings to set.
    pub set: Metadata,
    /// Settings to remove.
    pub remove: Vec<FieldName>,
    /// Whether those to set take the place of all.
    pub replace: bool,
}

/// How the project is called.
const NAME: &str = "name";

impl Domain {
    /// Text of the setting [`NAME`]; the project's number where that is no text.
    pub(super) async fn project_name(&self, project: ProjectId) -> Result<String> {
        let settings = self.store.named_settings(project, &[NAME]).await?;
        let name = settings.get(NAME).and_then(JsonText::as_text);
        Ok(name.unwrap_or_else(|| project.to_string()))
    }

    /// All settings of a project.
    pub async fn get_settings(&self, caller: &Caller, project: ProjectId) -> Result<Metadata> {
        caller.may(Role::Read, project)?;
        self.store.settings(project).await
    }

    /// Sets and removes settings, in one step.
    pub async fn update_settings(
        &self,
        caller: &Caller,
        project: ProjectId,
        update: SettingsUpdate,
    ) -> Result<()> {
        caller.may(Role::User, project)?;
        let in_settings = |error: Error| error.with_field("settings").at("settings_json");
        update.set.check_size().map_err(in_settings)?;
        check(&update.set)?;
        let Some(change) = change(update)? else {
            return Ok(());
        };
        let is_changed = self.store.change_settings(project, change).await?;
        self.seen_projects.forget(project);
        if is_changed {
            return Ok(());
        }
        let limit =
            format!("of a project must be at most {} in all", bytes_text(MAX_METADATA_BYTES));
        Err(Error::too_large("settings", limit).at("settings_json"))
    }
}

/// What an update does; `None`: nothing.
fn change(update: SettingsUpdate) -> Result<Option<SettingsChange>> {
    let SettingsUpdate { set, remove, replace } = update;
    if replace && !remove.is_empty() {
        return Err(Error::invalid("remove_settings", "must not stand beside an update_mask"));
    }
    if remove.iter().any(|name| set.get(name.as_str()).is_some()) {
        return Err(Error::invalid("remove_settings", "must not name a setting of settings_json"));
    }
    Ok(Some(match (replace, set.is_empty(), remove.is_empty()) {
        (true, true, _) => SettingsChange::Clear,
        (true, false, _) => SettingsChange::Replace(set),
        (false, true, true) => return Ok(None),
        (false, true, false) => SettingsChange::Remove(remove),
        (false, false, true) => SettingsChange::Merge(set),
        (false, false, false) => SettingsChange::Update { set, remove },
    }))
}

/// Refuses settings if the table does not accept one of them, or if a name is almost one of it. The
/// error names all such settings.
fn check(settings: &Metadata) -> Result<()> {
    let wrong = settings.iter().filter_map(|(name, value)| {
        let (name, accepted) = (name.as_str(), refusal(name.as_str(), value)?);
        Some(Error::invalid(name, accepted).at(&field_path(name)))
    });
    wrong.reduce(Error::and).map_or(Ok(()), Err)
}

/// What is accepted instead of this setting.
fn refusal(name: &str, value: &JsonText) -> Option<String> {
    match TABLE.iter().find(|(known, _)| *known == name) {
        Some((_, accepts)) => {
            let is_wrong = value.as_str() != "null" && !accepts.allows(value);
            is_wrong.then(|| accepts.text())
        }
        None => {
            near_miss(name).map(|known| format!("is not a setting of the service, but {known} is"))
        }
    }
}

/// Where a request has the setting `name`.
pub(crate) fn field_path(name: &str) -> String {
    format!("settings_json[{}]", JsonText::string(name))
}

/// The name of the table that `name` was probably meant to be: it differs by a few letters, or
/// only in case and punctuation, or its end is missing.
fn near_miss(name: &str) -> Option<&'static str> {
    let name = letters(name);
    // A single word, such as `spiders`, is too near to names of the users' own: `spider`.
    let phrases = TABLE.iter().filter(|(known, _)| known.contains('_'));
    let near = phrases.filter_map(|(known, _)| {
        let letters = letters(known);
        let distance = strsim::levenshtein(&name, &letters);
        let is_beginning = letters.starts_with(&name) && name.len() * 2 >= letters.len();
        let is_near = distance <= (letters.len() / LETTERS_PER_TYPO).min(MAX_TYPOS);
        (is_beginning || is_near).then_some((distance, *known))
    });
    near.min().map(|(_, known)| known)
}

fn letters(name: &str) -> String {
    name.chars().filter(|char| char.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The setting [`MAX_JOBS`]; `None`: as the caller's quota says.
pub(super) fn max_jobs(settings: &Metadata) -> Option<u64> {
    number(settings, MAX_JOBS)
}

/// Whether the setting [`SPIDERS`] lets in only jobs of spiders that a runner has.
pub(super) fn only_known_spiders(settings: &Metadata) -> bool {
    settings.get(SPIDERS).and_then(JsonText::as_text).as_deref() == Some("known")
}

/// The setting [`CANCEL_TIMEOUT`] or its default, s.
pub(super) fn cancel_timeout(settings: &Metadata) -> u64 {
    number(settings, CANCEL_TIMEOUT).unwrap_or(DEFAULT_CANCEL_TIMEOUT_S)
}

/// The setting [`MAX_OUTPUT_BYTES`] or its default.
pub(super) fn max_output_bytes(settings: &Metadata) -> u64 {
    number(settings, MAX_OUTPUT_BYTES).unwrap_or(DEFAULT_MAX_OUTPUT_BYTES)
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
/// written without this check, and counts as not set.
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
mod tests;
