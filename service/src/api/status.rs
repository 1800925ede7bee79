//! Errors of the domain as `Status` with `google.rpc` details, and as the error of one item of a
//! batch.

use std::{collections::HashMap, time::Duration};

use spiderq_proto::v1::{self, job_error::Code as ItemCode};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use spiderq_core::error::Error;

/// The domain of every `ErrorInfo`.
const ERROR_DOMAIN: &str = "spiderq";

pub(super) fn of(error: &Error) -> Status {
    let job = duplicate_of(error).map(|job| ("job".to_owned(), job));
    with(error, job.into_iter().collect())
}

/// The same with metadata in its `ErrorInfo`.
pub(super) fn with(error: &Error, metadata: HashMap<String, String>) -> Status {
    let (code, reason, _) = codes(error);
    let mut details = ErrorDetails::new();
    details.set_error_info(reason, ERROR_DOMAIN, metadata);
    if let Some((field, message)) = error.violation() {
        details.add_bad_request_violation(field, message);
    }
    if let Some(delay) = retry_delay(error) {
        details.set_retry_info(Some(delay));
    }
    Status::with_error_details(code, error.to_string(), details)
}

/// The error of one item of a batch. Its message is the whole text, as that of a `Status`; the
/// field stands beside it too.
pub(super) fn item_error(error: &Error) -> v1::JobError {
    if let Error::Bug(source) = error {
        tracing::error!(%source, "internal error of an item");
    }
    let (_, _, code) = codes(error);
    let field = error.violation().map(|(field, _)| field.to_owned()).unwrap_or_default();
    let job = duplicate_of(error).unwrap_or_default();
    v1::JobError { code: code.into(), message: error.to_string(), field, job }
}

/// The key of the active job that the refused one is a duplicate of.
fn duplicate_of(error: &Error) -> Option<String> {
    if let Error::Duplicate { job, .. } = error { Some(job.to_string()) } else { None }
}

/// How long to wait before the next try, for errors that may pass.
const fn retry_delay(error: &Error) -> Option<Duration> {
    if let Error::Unavailable { retry_after, .. } = error {
        return Some(*retry_after);
    }
    // Another server takes the call at once.
    if matches!(error, Error::ShuttingDown) { Some(Duration::ZERO) } else { None }
}

/// Code and reason of the `Status`, and the code of an item.
const fn codes(error: &Error) -> (Code, &'static str, ItemCode) {
    match error {
        Error::Invalid { .. } => {
            (Code::InvalidArgument, "INVALID_ARGUMENT", ItemCode::InvalidArgument)
        }
        Error::TooLarge { .. } => (Code::ResourceExhausted, "TOO_LARGE", ItemCode::InvalidArgument),
        Error::Unauthenticated => (Code::Unauthenticated, "UNAUTHENTICATED", ItemCode::Forbidden),
        Error::Forbidden(_) => (Code::PermissionDenied, "FORBIDDEN", ItemCode::Forbidden),
        Error::NotFound(_) => (Code::NotFound, "NOT_FOUND", ItemCode::WrongState),
        Error::Duplicate { .. } => (Code::AlreadyExists, "DUPLICATE", ItemCode::Duplicate),
        Error::WrongState(_) => (Code::FailedPrecondition, "WRONG_STATE", ItemCode::WrongState),
        Error::AtLimit(_) => (Code::FailedPrecondition, "AT_LIMIT", ItemCode::WrongState),
        Error::Stale(_) => (Code::FailedPrecondition, "STALE_FENCE", ItemCode::StaleFence),
        Error::RequestIdReused => (Code::Aborted, "REQUEST_ID_REUSED", ItemCode::WrongState),
        Error::CursorGone => (Code::OutOfRange, "CURSOR_GONE", ItemCode::WrongState),
        Error::SlowReader(_) => (Code::ResourceExhausted, "SLOW_READER", ItemCode::Unavailable),
        Error::ShuttingDown => (Code::Unavailable, "STOPPING", ItemCode::Unavailable),
        Error::Unavailable { .. } => {
            (Code::Unavailable, "STORE_UNAVAILABLE", ItemCode::Unavailable)
        }
        Error::Bug(_) => (Code::Internal, "INTERNAL", ItemCode::Internal),
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
    fn the_error_of_an_item_has_its_field_beside_the_message() {
        let error = item_error(&Error::invalid("units", "must be an integer from 1 to 6"));
        assert_eq!(error.code(), ItemCode::InvalidArgument);
        let (field, message) = (error.field.as_str(), error.message.as_str());
        assert_eq!((field, message), ("units", "units: must be an integer from 1 to 6"));
    }

    #[test]
    fn a_duplicate_names_the_active_job() {
        let message = "Active job exists with key a".to_owned();
        let job = spiderq_core::model::JobKey::parse("53/7/81").unwrap();
        let error = Error::Duplicate { message: message.clone(), job };
        let details = of(&error).get_error_details();
        assert_eq!(details.error_info().unwrap().metadata["job"], "53/7/81");
        let code = ItemCode::Duplicate.into();
        let job = "53/7/81".to_owned();
        let expected = v1::JobError { code, message, job, ..v1::JobError::default() };
        assert_eq!(item_error(&error), expected);
    }

    #[test]
    fn what_the_store_said_is_not_sent_to_the_caller() {
        let status = of(&Error::unavailable("redis at 10.0.0.1 refused"));
        assert_eq!(status.code(), Code::Unavailable);
        assert!(!format!("{status:?}").contains("10.0.0.1"));
        let retry = status.get_error_details().retry_info().unwrap().retry_delay;
        assert_eq!(retry, Some(std::time::Duration::from_secs(1)));
    }
}
