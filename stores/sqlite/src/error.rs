//! What SQLite's errors mean to a caller. The only map; the text of an error goes to the
//! log and not to the caller.

use std::sync::Arc;

use rusqlite::ErrorCode;
use spiderq_core::{error::Error, model::JobKey};

/// Why a step on a connection failed: `?` takes both kinds, and the caller of the step gets
/// one.
#[derive(Debug)]
pub(crate) enum StepError {
    Sqlite(rusqlite::Error),
    Store(Error),
}

/// What a step on a connection returns.
pub(crate) type Result<T, E = StepError> = std::result::Result<T, E>;

impl From<rusqlite::Error> for StepError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<Error> for StepError {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl From<StepError> for Error {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Store(error) => error,
            StepError::Sqlite(error) => of_sqlite(error),
        }
    }
}

/// Errors of the machine under the file may pass and are worth a second try; the others are
/// faults of the file, of the service or of its data.
fn of_sqlite(error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Error::damaged(error),
        Some(ErrorCode::DiskFull) => Error::unavailable_for("its disk is full", error),
        Some(ErrorCode::OutOfMemory) => Error::unavailable_for("it has no memory left", error),
        Some(ErrorCode::SystemIoFailure) => Error::unavailable_for("its disk fails", error),
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::OperationInterrupted
            | ErrorCode::OperationAborted,
        ) => Error::unavailable(error),
        Some(_) | None => Error::bug(error),
    }
}

/// The record of a job that could not be read.
pub(crate) fn damaged_job(job: JobKey, error: StepError) -> StepError {
    let source = match error {
        StepError::Store(Error::Bug(source)) => source,
        StepError::Store(error) => Arc::new(error),
        StepError::Sqlite(error) => Arc::new(error),
    };
    Error::JobDamaged { job, source }.into()
}

/// A stored value that no write of the service can have left there.
pub(crate) fn corrupt(what: &str) -> StepError {
    Error::bug(format!("stored value is damaged: {what}")).into()
}
