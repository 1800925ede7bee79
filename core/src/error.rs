//! The one closed set of errors of this crate. Knows neither gRPC nor HTTP; `api::status`
//! maps it outward. Imports nothing of ours.

use std::time::Duration;

use thiserror::Error;

/// Why a call could not be done. The text is for the caller and holds no secrets and no
/// store detail; that is in the source of [`Error::Unavailable`] and [`Error::Bug`].
#[derive(Debug, Error)]
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
    /// Good credentials that do not reach this far.
    #[error("{0}")]
    Forbidden(String),
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// An active job has the same unique value, or the same spider and arguments.
    #[error("{0}")]
    Duplicate(String),
    /// The job's state does not allow it.
    #[error("{0}")]
    WrongState(String),
    /// A limit of what may run at a time does not allow it.
    #[error("{0}")]
    AtLimit(String),
    /// The fence is stale or the lease has run out: the caller no longer holds the job.
    #[error("job {0} is no longer held by this worker")]
    Stale(String),
    /// A request id came back with another request.
    #[error("request_id: was already used for another request")]
    RequestIdReused,
    /// More than the limits allow.
    #[error("{field}: {message}")]
    TooLarge {
        /// Name of the field.
        field: String,
        /// The limit.
        message: String,
    },
    /// The events after a cursor are not kept any more.
    #[error("cursor: the events after it are gone; list the jobs and watch from now on")]
    CursorGone,
    /// A reader of events took none for too long.
    #[error("no event was taken for {0} s; watch again from the cursor")]
    SlowReader(u64),
    /// The service is about to end; another one may take the call.
    #[error("the server is stopping, resume at the cursor")]
    Stopping,
    /// The store is out of reach; the call may be repeated.
    #[error("the store is unavailable, try again")]
    Unavailable {
        /// When to try again.
        retry_after: Duration,
        /// What the store said; for the log.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A fault of the service or its data.
    #[error("internal error")]
    Bug(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// A bad field. `message` says what is accepted.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), message: message.into() }
    }

    /// A store that is out of reach.
    pub fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable { retry_after: Duration::from_secs(1), source: source.into() }
    }

    /// A fault of ours.
    pub fn bug(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Bug(source.into())
    }

    /// The same error with its field named `field`: for values inside a larger message.
    #[must_use]
    pub fn at(mut self, name: &str) -> Self {
        if let Self::Invalid { field, .. } | Self::TooLarge { field, .. } = &mut self {
            name.clone_into(field);
        }
        self
    }
}

/// What every fallible function of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;
