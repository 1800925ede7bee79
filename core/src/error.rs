//! The one closed set of errors. It knows neither gRPC nor HTTP: the service's `api::status`
//! maps it outward.

mod violation;

use std::{sync::Arc, time::Duration};

use thiserror::Error;

use crate::{
    limits::MAX_VIOLATIONS,
    model::{JobKey, Quota, Role, State},
    store::RunningLimit,
};

pub use self::violation::Violation;
use self::violation::{all_names, first_text, them};

/// What a store or library said; for the log, never for the caller.
type Source = Arc<dyn std::error::Error + Send + Sync>;

const REQUEST_ID_REUSED: &str = "was already used for another request";
const ETAG_CHANGED: &str = "the job was changed since, read it again";
/// The text of [`Error::OutcomeUnknown`], for whoever learns of a lost answer in another way.
pub const OUTCOME_UNKNOWN: &str =
    "no answer came, this may have been done; look before trying again";
const CURSOR_GONE: &str = "the events after it are gone; watch from now on, then list the jobs";

/// What there may be none of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceKind {
    /// A job, named by its key.
    Job,
    /// A spider, named by its project and its number or name.
    Spider,
    /// An API key. Errors never name it: by mistake its text may stand where its id should.
    ApiKey,
    /// A runner, named by its id.
    Runner,
}

/// Why a call could not be done. The text is for the caller and holds no secrets and no
/// detail of the store; those are in the source of [`Error::Unavailable`],
/// [`Error::OutcomeUnknown`], [`Error::Damaged`], [`Error::JobDamaged`] and [`Error::Bug`].
#[derive(Clone, Debug, Error)]
pub enum Error {
    /// Fields are missing, malformed or out of range: at least one, at most [`MAX_VIOLATIONS`].
    /// The text is that of the first.
    #[error("{}", first_text(.0))]
    Invalid(Vec<Violation>),
    /// No credentials, or wrong ones.
    #[error("Authentication failed")]
    Unauthenticated,
    /// The credentials are good, but do not allow this.
    #[error("{message}")]
    Forbidden {
        /// What they do not allow.
        message: String,
        /// The role that would; `None` where it is not the role that is missing.
        required: Option<Role>,
    },
    /// These fields are for callers of a higher role.
    #[error("{}: only keys of role {} or above may set {}", all_names(.fields), required.as_str(), them(.fields))]
    FieldsForbidden {
        /// At least one.
        fields: Vec<Violation>,
        /// The role that may set them.
        required: Role,
    },
    /// There is no such job, spider or key.
    #[error("{message}")]
    NotFound {
        /// What there is none of.
        message: String,
        /// What kind of thing that is.
        kind: ResourceKind,
        /// How the caller named it.
        name: String,
    },
    /// An active job has the same unique value, or the same spider and arguments.
    #[error("{message}")]
    Duplicate {
        /// What it is the duplicate by.
        message: String,
        /// That active job.
        job: JobKey,
    },
    /// The job's state does not allow the change.
    #[error("{message}")]
    WrongState {
        /// What the state does not allow.
        message: String,
        /// Which job.
        job: JobKey,
        /// The state that it is in.
        state: State,
    },
    /// As many jobs or units run as the settings allow.
    #[error("{0}")]
    AtLimit(RunningLimit),
    /// The fence is stale or the lease has ended: the caller no longer holds the job.
    #[error("job {0} is no longer held by this worker")]
    Stale(JobKey),
    /// Without this key nobody could manage keys for good.
    #[error("the last admin key that never expires can't be revoked; create another one first")]
    LastAdminKey,
    /// The API key was rotated before; the one with this id is in its place.
    #[error("the key was rotated before; rotate the one in its place, {0}, or create another")]
    KeyReplaced(String),
    /// The same request id came with another request before.
    #[error("request_id: {}", REQUEST_ID_REUSED)]
    RequestIdReused,
    /// The job was written to since its etag was read.
    #[error("etag: {}", ETAG_CHANGED)]
    EtagChanged(JobKey),
    /// More items or bytes than the [limits](crate::limits) allow.
    #[error("{0}")]
    TooLarge(Violation),
    /// The API key uses as much of this server as it may, or its project is full.
    #[error("at most {most} {quota}; try again later")]
    QuotaExceeded {
        /// Which of its quotas.
        quota: Quota,
        /// The limit.
        most: u64,
        /// How long to wait before the next try.
        retry_after: Duration,
    },
    /// The events after a cursor are no longer kept.
    #[error("cursor: {}", CURSOR_GONE)]
    CursorGone,
    /// Lines between the end of this job's output, at this offset, and those to append are missing.
    #[error("start_offset: {}", must_be(*.1))]
    OutputGap(JobKey, u64),
    /// This server keeps no output.
    #[error("this server keeps no output of jobs; its flag --output says where to")]
    OutputDisabled,
    /// The reader of a watch took no event for this long, seconds.
    #[error("no event was taken for {0} s; watch again from the cursor")]
    SlowReader(u64),
    /// This server is shutting down; another one may take the call.
    #[error("the server is stopping, resume at the cursor")]
    ShuttingDown,
    /// Bodies and responses under way use up the server's memory, or the caller's share of it.
    #[error("the server has no memory left for this call now, try again")]
    Overloaded,
    /// The store can't be reached, or can't write. A write may have been done all the same; an item of a call was
    /// not tried.
    #[error("the store is unavailable{}, try again", in_brackets(*.reason))]
    Unavailable {
        /// How long to wait before the next try.
        retry_after: Duration,
        /// What is the matter, for anyone: it names no file and no address.
        reason: Option<&'static str>,
        /// What the store said.
        #[source]
        source: Source,
    },
    /// An item of a call was on its way to the store when that went out of reach. Of a whole call
    /// [`Error::Unavailable`] says the same.
    #[error("{}", OUTCOME_UNKNOWN)]
    OutcomeUnknown {
        /// How long to wait before the next try.
        retry_after: Duration,
        /// What the store said.
        #[source]
        source: Source,
    },
    /// What the store has kept can't be read any more: trying again does not help.
    #[error("the store is damaged; stop the server and run `spiderq fsck`")]
    Damaged(#[source] Source),
    /// The record of one job can't be read, or not by this version: others can.
    #[error("the record of job {job} can't be read; `spiderq fsck` says why")]
    JobDamaged {
        /// That job.
        job: JobKey,
        /// What is wrong with it.
        #[source]
        source: Source,
    },
    /// A fault of the service or its data.
    #[error("internal error")]
    Bug(#[source] Source),
}

impl Error {
    /// [`Error::Invalid`] of one field. `message` says what is accepted, without the name of the
    /// field.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid(vec![Violation::new(field, message)])
    }

    /// [`Error::TooLarge`]. `message` says what the limit is, without the name of the field.
    pub fn too_large(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::TooLarge(Violation::new(field, message))
    }

    /// [`Error::Forbidden`] where no role would help.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::Forbidden { message: message.into(), required: None }
    }

    /// [`Error::FieldsForbidden`] of fields by their names in texts and their paths.
    pub fn fields_forbidden<'a>(
        fields: impl IntoIterator<Item = (&'a str, String)>,
        required: Role,
    ) -> Self {
        let message = format!("only keys of role {} or above may set it", required.as_str());
        let violation = |(name, path): (&str, String)| Violation {
            path,
            ..Violation::new(name, message.as_str())
        };
        Self::FieldsForbidden { fields: fields.into_iter().map(violation).collect(), required }
    }

    /// [`Error::Unavailable`], to be tried again after a second.
    pub fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::unavailable_for(None, source)
    }

    /// [`Error::Unavailable`] of a store that knows what is the matter: `its disk is full`.
    pub fn unavailable_for(
        reason: impl Into<Option<&'static str>>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Unavailable {
            retry_after: Duration::from_secs(1),
            reason: reason.into(),
            source: Arc::from(source.into()),
        }
    }

    /// [`Error::Damaged`].
    pub fn damaged(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Damaged(Arc::from(source.into()))
    }

    /// [`Error::Bug`]: what should never happen, whatever callers send.
    pub fn bug(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Bug(Arc::from(source.into()))
    }

    /// The same error with `name` as its field: for values inside a larger message.
    #[must_use]
    pub fn with_field(mut self, name: &str) -> Self {
        for violation in self.fields_mut() {
            *violation = Violation::new(name, std::mem::take(&mut violation.message));
        }
        self
    }

    /// The same error of the field at `path`, which texts call as before.
    #[must_use]
    pub fn at(mut self, path: &str) -> Self {
        for violation in self.fields_mut() {
            path.clone_into(&mut violation.path);
        }
        self
    }

    /// The same error of fields of the message at `path`; an empty path is the message itself.
    #[must_use]
    pub fn within(mut self, path: &str) -> Self {
        for violation in self.fields_mut() {
            let is_part = violation.path.is_empty() || violation.path.starts_with('[');
            let dot = if is_part { "" } else { "." };
            violation.path = format!("{path}{dot}{}", violation.path);
        }
        self
    }

    /// This error, and the fields that are wrong by `other` where both are about fields.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        if let Self::Invalid(all) = &mut self
            && let Self::Invalid(more) = other
        {
            let room = MAX_VIOLATIONS.saturating_sub(all.len());
            all.extend(more.into_iter().take(room));
        }
        self
    }

    /// The fields at fault and what is wrong with them.
    #[must_use]
    pub fn violations(&self) -> Vec<Violation> {
        match self {
            Self::Invalid(all) | Self::FieldsForbidden { fields: all, .. } => all.clone(),
            Self::TooLarge(one) => vec![one.clone()],
            Self::RequestIdReused => vec![Violation::new("request_id", REQUEST_ID_REUSED)],
            Self::EtagChanged(_) => vec![Violation::new("etag", ETAG_CHANGED)],
            Self::CursorGone => vec![Violation::new("cursor", CURSOR_GONE)],
            Self::OutputGap(_, next) => vec![Violation::new("start_offset", must_be(*next))],
            Self::Unauthenticated
            | Self::Forbidden { .. }
            | Self::NotFound { .. }
            | Self::Duplicate { .. }
            | Self::WrongState { .. }
            | Self::AtLimit(_)
            | Self::Stale(_)
            | Self::LastAdminKey
            | Self::KeyReplaced(_)
            | Self::QuotaExceeded { .. }
            | Self::OutputDisabled
            | Self::SlowReader(_)
            | Self::ShuttingDown
            | Self::Overloaded
            | Self::Unavailable { .. }
            | Self::OutcomeUnknown { .. }
            | Self::Damaged(_)
            | Self::JobDamaged { .. }
            | Self::Bug(_) => Vec::new(),
        }
    }

    fn fields_mut(&mut self) -> &mut [Violation] {
        if let Self::Invalid(all) | Self::FieldsForbidden { fields: all, .. } = self {
            return all;
        }
        if let Self::TooLarge(one) = self { std::slice::from_mut(one) } else { &mut [] }
    }

    /// The text of the error's source, for a log line.
    #[must_use]
    pub fn cause(&self) -> Option<String> {
        std::error::Error::source(self).map(ToString::to_string)
    }
}

/// A result with this crate's [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

fn must_be(next: u64) -> String {
    format!("must be at most {next}, where the output ends")
}

fn in_brackets(reason: Option<&str>) -> String {
    reason.map(|reason| format!(" ({reason})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_has_its_path_and_the_text_its_name() {
        let error = Error::invalid("tags", "must be short").at("[2]").within("tags");
        let error = error.within("[3]").within("jobs");
        assert_eq!(error.to_string(), "tags: must be short");
        assert_eq!(error.violations()[0].path, "jobs[3].tags[2]");
        let renamed = error.with_field("has_tags");
        assert_eq!(renamed.to_string(), "has_tags: must be short");
        assert_eq!(renamed.violations()[0].path, "has_tags");
    }

    #[test]
    fn fields_for_a_higher_role_are_all_named() {
        let path = |name: &str| format!("metadata_json[{name}]");
        let fields = ["a", "b"].map(|name| (name, path(name)));
        let error = Error::fields_forbidden(fields, Role::User).within("updates[3]");
        assert_eq!(error.to_string(), "a, b: only keys of role user or above may set them");
        let violations = error.violations();
        assert_eq!(violations[1].path, "updates[3].metadata_json[b]");
        assert_eq!(violations[1].to_string(), "b: only keys of role user or above may set it");
    }

    #[test]
    fn wrong_fields_are_gathered_up_to_a_bound() {
        let mut error = Error::invalid("a", "is required");
        for _ in 0..2 * MAX_VIOLATIONS {
            error = error.and(Error::invalid("b", "is required"));
        }
        assert_eq!(error.to_string(), "a: is required");
        assert_eq!(error.violations().len(), MAX_VIOLATIONS);
        let other = Error::too_large("a", "at most 1").and(Error::invalid("b", "is required"));
        assert_eq!(other.violations().len(), 1);
    }
}
