//! Answers of calls that are about many jobs, each of which succeeds or fails on its own.

use spiderq_core::{
    error::{Error, Result},
    model::{JobKey, State},
    store::Changed,
};

/// Why one item of a batch was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemError {
    /// Kind of error.
    pub kind: ItemErrorKind,
    /// For the caller.
    pub message: String,
    /// The field at fault; may be empty.
    pub field: String,
}

/// Kinds of [`ItemError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemErrorKind {
    /// A field is malformed or out of range.
    Invalid,
    /// An active job has the same unique value.
    Duplicate,
    /// The job's state does not allow it, or a limit.
    WrongState,
    /// The caller no longer holds the job.
    Stale,
    /// The caller may not do this.
    Forbidden,
    /// The store is out of reach.
    Unavailable,
    /// A fault of ours.
    Bug,
}

impl ItemError {
    /// The error as an item's.
    #[must_use]
    pub fn of(error: &Error) -> Self {
        let (kind, field) = match error {
            Error::Invalid { field, .. } | Error::TooLarge { field, .. } => {
                (ItemErrorKind::Invalid, field.clone())
            }
            Error::Duplicate(_) => (ItemErrorKind::Duplicate, String::new()),
            Error::WrongState(_)
            | Error::AtLimit(_)
            | Error::NotFound(_)
            | Error::RequestIdReused
            | Error::CursorGone => (ItemErrorKind::WrongState, String::new()),
            Error::Stale(_) => (ItemErrorKind::Stale, String::new()),
            Error::Forbidden(_) | Error::Unauthenticated => {
                (ItemErrorKind::Forbidden, String::new())
            }
            Error::Unavailable { .. } | Error::SlowReader(_) | Error::ShuttingDown => {
                (ItemErrorKind::Unavailable, String::new())
            }
            Error::Bug(_) => (ItemErrorKind::Bug, String::new()),
        };
        Self { kind, message: error.to_string(), field }
    }

    pub(super) fn unavailable() -> Self {
        Self {
            kind: ItemErrorKind::Unavailable,
            message: "the store is unavailable, try again".to_owned(),
            field: String::new(),
        }
    }
}

/// What became of one job of an update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Updated {
    /// The job.
    pub key: JobKey,
    /// Index of the update that named it.
    pub update: usize,
    /// Its state before, or why it was refused.
    pub result: Result<State, ItemError>,
}

/// A change's outcome as an error, where it is one. `to` is the state that was asked for.
pub(super) fn refusal(key: JobKey, changed: Changed, to: Option<State>) -> Option<Error> {
    match changed {
        Changed::Kept(_) | Changed::Applied { .. } => None,
        Changed::Missing => Some(Error::NotFound(format!("there is no job {key}"))),
        Changed::Stale => Some(Error::Stale(key.to_string())),
        Changed::NotHeld => {
            Some(Error::Forbidden(format!("job {key} is not run by this key's owner")))
        }
        Changed::TooManyTags => Some(Error::invalid("tags", "a job may have at most 64")),
        Changed::TooLarge => Some(Error::TooLarge {
            field: "metadata".to_owned(),
            message: "must be at most 1 MiB in all".to_owned(),
        }),
        Changed::AtLimit(limit) => Some(Error::AtLimit(limit.to_string())),
        Changed::Refused(state) => Some(Error::WrongState(match to {
            Some(State::Deleted) => {
                format!("job {key} is {}: stop it first", state.as_str())
            }
            Some(to) => format!("job {key} is {}, it can't become {}", state.as_str(), to.as_str()),
            None => format!("job {key} is {}", state.as_str()),
        })),
    }
}

/// How many of the jobs are there, after an all-or-nothing change of them; the first refusal
/// is the whole call's.
pub(super) fn found(keys: &[JobKey], changed: Vec<Changed>, to: Option<State>) -> Result<u64> {
    let mut count = 0;
    for (key, changed) in keys.iter().zip(changed) {
        match refusal(*key, changed, to) {
            Some(Error::NotFound(_)) => {}
            Some(error) => return Err(error),
            None => count += 1,
        }
    }
    Ok(count)
}
