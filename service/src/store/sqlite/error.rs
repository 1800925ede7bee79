//! What SQLite's errors mean to a caller. The only map; the text of an error goes to the
//! log and not to the caller.

use rusqlite::ErrorCode;

use crate::error::Error;

/// Errors of the machine under the file may pass and are worth a second try; the rest are
/// faults of ours or of the data.
impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let passing = matches!(
            error.sqlite_error_code(),
            Some(
                ErrorCode::DiskFull
                    | ErrorCode::SystemIoFailure
                    | ErrorCode::DatabaseBusy
                    | ErrorCode::DatabaseLocked
                    | ErrorCode::CannotOpen
                    | ErrorCode::ReadOnly
                    | ErrorCode::PermissionDenied
                    | ErrorCode::OutOfMemory
                    | ErrorCode::OperationInterrupted
                    | ErrorCode::OperationAborted
            )
        );
        if passing { Self::unavailable(error) } else { Self::bug(error) }
    }
}

/// A stored value that no write of ours can have left there.
pub(super) fn corrupt(what: &str) -> Error {
    Error::bug(format!("stored value is damaged: {what}"))
}
