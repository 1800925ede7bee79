//! Errors as `Status`, with `google.rpc` details: the first of the three maps of DESIGN 6.

use std::{collections::HashMap, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use spiderq_core::error::Error;

/// The domain of every `ErrorInfo`.
const DOMAIN: &str = "spiderq";
/// For calls that another server takes.
const AT_ONCE: Duration = Duration::ZERO;

pub(super) fn of(error: &Error) -> Status {
    with(error, HashMap::new())
}

/// The same with metadata in its `ErrorInfo`.
pub(super) fn with(error: &Error, metadata: HashMap<String, String>) -> Status {
    let (code, reason) = code(error);
    let mut details = ErrorDetails::new();
    details.set_error_info(reason, DOMAIN, metadata);
    match error {
        Error::Invalid { field, message } | Error::TooLarge { field, message } => {
            details.add_bad_request_violation(field, message);
        }
        Error::RequestIdReused => {
            details.add_bad_request_violation("request_id", "was already used for another request");
        }
        Error::Unavailable { retry_after, .. } => {
            details.set_retry_info(Some(*retry_after));
        }
        Error::ShuttingDown => {
            details.set_retry_info(Some(AT_ONCE));
        }
        Error::Unauthenticated
        | Error::Forbidden(_)
        | Error::NotFound(_)
        | Error::Duplicate(_)
        | Error::WrongState(_)
        | Error::AtLimit(_)
        | Error::Stale(_)
        | Error::CursorGone
        | Error::SlowReader(_)
        | Error::Bug(_) => {}
    }
    Status::with_error_details(code, error.to_string(), details)
}

const fn code(error: &Error) -> (Code, &'static str) {
    match error {
        Error::Invalid { .. } => (Code::InvalidArgument, "INVALID_ARGUMENT"),
        Error::Unauthenticated => (Code::Unauthenticated, "UNAUTHENTICATED"),
        Error::Forbidden(_) => (Code::PermissionDenied, "FORBIDDEN"),
        Error::NotFound(_) => (Code::NotFound, "NOT_FOUND"),
        Error::Duplicate(_) => (Code::AlreadyExists, "DUPLICATE"),
        Error::WrongState(_) => (Code::FailedPrecondition, "WRONG_STATE"),
        Error::AtLimit(_) => (Code::FailedPrecondition, "AT_LIMIT"),
        Error::Stale(_) => (Code::FailedPrecondition, "STALE_FENCE"),
        Error::RequestIdReused => (Code::Aborted, "REQUEST_ID_REUSED"),
        Error::TooLarge { .. } => (Code::ResourceExhausted, "TOO_LARGE"),
        Error::CursorGone => (Code::OutOfRange, "CURSOR_GONE"),
        Error::SlowReader(_) => (Code::ResourceExhausted, "SLOW_READER"),
        Error::ShuttingDown => (Code::Unavailable, "STOPPING"),
        Error::Unavailable { .. } => (Code::Unavailable, "STORE_UNAVAILABLE"),
        Error::Bug(_) => (Code::Internal, "INTERNAL"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_field_is_named_in_the_details() {
        let status =
            of(&Error::invalid("priority", "must be an integer from 0 (lowest) to 4 (highest)"));
        assert_eq!(status.code(), Code::InvalidArgument);
        let details = status.get_error_details();
        let violations = &details.bad_request().unwrap().field_violations;
        assert_eq!(violations.len(), 1);
        assert_eq!(violations[0].field, "priority");
        assert_eq!(details.error_info().unwrap().reason, "INVALID_ARGUMENT");
    }

    #[test]
    fn what_the_store_said_stays_inside() {
        let status = of(&Error::unavailable("redis at 10.0.0.1 refused"));
        assert_eq!(status.code(), Code::Unavailable);
        assert!(!format!("{status:?}").contains("10.0.0.1"));
        let retry = status.get_error_details().retry_info().unwrap().retry_delay;
        assert_eq!(retry, Some(std::time::Duration::from_secs(1)));
    }
}
