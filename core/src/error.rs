//! The one closed set of errors. It knows neither gRPC nor HTTP: the service's `api::status`
//! maps it outward.

use std::{sync::Arc, time::Duration};

use thiserror::Error;

use crate::model::JobKey;

/// What a store or library said; for the log, never for the caller.
type Source = Arc<dyn std::error::Error + Send + Sync>;

const REQUEST_ID_REUSED: &str = "was already used for another request";
const CURSOR_GONE: &str = "the events after it are gone; list the jobs and watch from now on";

/// Why a call could not be done. The text is for the caller and holds no secrets and no
/// detail of the store; those are in the source of [`Error::Unavailable`] and [`Error::Bug`].
#[derive(Clone, Debug, Error)]
pub enum Error {
    /// A field is missing, malformed or out of range.
    #[error("{field}: {message}")]
    Invalid {
        /// Name of the field as the caller knows it.
        field: String,
        /// What is accepted.
        message: String,
    },
    /// No credentials, or wrong ones.
    #[error("Authentication failed")]
    Unauthenticated,
    /// The credentials are good, but do not allow this.
    #[error("{0}")]
    Forbidden(String),
    /// There is no such job, spider or key.
    #[error("{0}")]
    NotFound(String),
    /// An active job has the same unique value, or the same spider and arguments.
    #[error("{message}")]
    Duplicate {
        /// What it is the duplicate by.
        message: String,
        /// That active job.
        job: JobKey,
    },
    /// The job's state does not allow the change.
    #[error("{0}")]
    WrongState(String),
    /// As many jobs or units run as the settings allow.
    #[error("{0}")]
    AtLimit(String),
    /// The fence is stale or the lease has ended: the caller no longer holds the job.
    #[error("job {0} is no longer held by this worker")]
    Stale(String),
    /// The same request id came with another request before.
    #[error("request_id: {}", REQUEST_ID_REUSED)]
    RequestIdReused,
    /// More items or bytes than the [limits](crate::limits) allow.
    #[error("{field}: {message}")]
    TooLarge {
        /// Name of the field.
        field: String,
        /// What the limit is.
        message: String,
    },
    /// The events after a cursor are no longer kept.
    #[error("cursor: {}", CURSOR_GONE)]
    CursorGone,
    /// The reader of a watch took no event for this long, seconds.
    #[error("no event was taken for {0} s; watch again from the cursor")]
    SlowReader(u64),
    /// This server is shutting down; another one may take the call.
    #[error("the server is stopping, resume at the cursor")]
    ShuttingDown,
    /// The store can't be reached; the call may be repeated.
    #[error("the store is unavailable, try again")]
    Unavailable {
        /// How long to wait before the next try.
        retry_after: Duration,
        /// What the store said.
        #[source]
        source: Source,
    },
    /// A fault of the service or its data.
    #[error("internal error")]
    Bug(#[source] Source),
}

impl Error {
    /// [`Error::Invalid`]. `message` says what is accepted, without the name of the field.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), message: message.into() }
    }

    /// [`Error::TooLarge`]. `message` says what the limit is, without the name of the field.
    pub fn too_large(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::TooLarge { field: field.into(), message: message.into() }
    }

    /// [`Error::Unavailable`], to be tried again after a second.
    pub fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable { retry_after: Duration::from_secs(1), source: Arc::from(source.into()) }
    }

    /// [`Error::Bug`]: what should never happen, whatever callers send.
    pub fn bug(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Bug(Arc::from(source.into()))
    }

    /// The same error with `name` as its field: for values inside a larger message.
    #[must_use]
    pub fn with_field(mut self, name: &str) -> Self {
        if let Self::Invalid { field, .. } | Self::TooLarge { field, .. } = &mut self {
            name.clone_into(field);
        }
        self
    }

    /// The field at fault and what is wrong with it, where one field is.
    #[must_use]
    pub fn violation(&self) -> Option<(&str, &str)> {
        if let Self::Invalid { field, message } | Self::TooLarge { field, message } = self {
            return Some((field, message));
        }
        if matches!(self, Self::RequestIdReused) {
            return Some(("request_id", REQUEST_ID_REUSED));
        }
        matches!(self, Self::CursorGone).then_some(("cursor", CURSOR_GONE))
    }

    /// The text of the error's source, for a log line.
    #[must_use]
    pub fn cause(&self) -> Option<String> {
        std::error::Error::source(self).map(ToString::to_string)
    }
}

/// A result with this crate's [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
