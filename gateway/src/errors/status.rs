//! A `Status` of a service as a [`Problem`], and that of one item of a batch as the text of its
//! line. The field at fault and what it accepts come from
//! the `BadRequest` details, so that no text has to be taken apart.

use std::error::Error as _;

use http::StatusCode;
use spiderq_proto::RpcStatus;
use tonic::{Code, Status};
use tonic_types::{BadRequest, RpcStatusExt as _, StatusExt as _};

use super::{Field, Problem, parameter};

/// Seconds to wait where the service names none.
const DEFAULT_RETRY_AFTER: u64 = 1;
/// For a message that is larger than the upstream or its client takes.
const TOO_LARGE: &str = "the request or its response is too large, ask for a smaller page";
/// A client should not be sent away for more than an hour.
const MAX_RETRY_AFTER: u128 = 3600;

impl From<Status> for Problem {
    fn from(status: Status) -> Self {
        let mut problem = match is_connection_lost(&status) {
            true => Self::new(StatusCode::SERVICE_UNAVAILABLE, "try again"),
            false => refusal(&status),
        };
        if [StatusCode::SERVICE_UNAVAILABLE, StatusCode::TOO_MANY_REQUESTS].contains(&problem.code)
        {
            problem.retry_after = Some(retry_after(&status));
        }
        problem.credentials_checked = true;
        problem
    }
}

/// Why an item of a batch was refused, for its line, whose fields keep their names.
pub(crate) fn item_message(error: &RpcStatus) -> String {
    let is_forbidden = error.code == i32::from(Code::PermissionDenied);
    match error.get_details_bad_request().filter(|_| !is_forbidden).and_then(violation) {
        Some((field, accepted)) => format!("{}: {accepted}", parameter::body_field(&field)),
        None => error.message.clone(),
    }
}

fn refusal(status: &Status) -> Problem {
    let code = http_code(status);
    if is_damage(status) {
        return Problem::new(code, status.message());
    }
    if code == StatusCode::INTERNAL_SERVER_ERROR {
        tracing::error!(code = ?status.code(), message = status.message(), "call failed");
        return Problem::new(code, "internal error");
    }
    if status.code() == Code::OutOfRange {
        // A message over the upstream's limits; tonic's text speaks of encodings and bytes.
        return Problem::new(code, TOO_LARGE);
    }
    // Its text names all fields that the caller may not set, by their own names.
    let is_forbidden = status.code() == Code::PermissionDenied;
    let wrong = status.get_details_bad_request().filter(|_| !is_forbidden);
    let mut problem = match wrong.and_then(violation) {
        Some((field, accepted)) => {
            Problem { field: Some(Field::OfMessage(field)), ..Problem::new(code, accepted) }
        }
        None => Problem::new(code, status.message()),
    };
    if status.code() == Code::AlreadyExists {
        problem.dash_status = "error";
        problem.duplicate_of = duplicate_of(status);
    }
    problem
}

/// Whether the connection to the service broke: only then a status has a source.
fn is_connection_lost(status: &Status) -> bool {
    let codes = [Code::Unknown, Code::Cancelled, Code::Internal];
    codes.contains(&status.code()) && status.source().is_some()
}

fn http_code(status: &Status) -> StatusCode {
    match status.code() {
        Code::InvalidArgument | Code::AlreadyExists | Code::OutOfRange => StatusCode::BAD_REQUEST,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::FailedPrecondition if has_reason(status, "OUTPUT_DISABLED") => {
            StatusCode::NOT_IMPLEMENTED
        }
        Code::FailedPrecondition | Code::Aborted => StatusCode::CONFLICT,
        // Only what may pass says when to try again.
        Code::ResourceExhausted if status.get_details_retry_info().is_some() => {
            StatusCode::TOO_MANY_REQUESTS
        }
        Code::ResourceExhausted => StatusCode::PAYLOAD_TOO_LARGE,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Ok | Code::Cancelled | Code::Unknown | Code::Internal | Code::DataLoss => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}

/// Whoever calls should know that trying again does not help; the service has logged it.
fn is_damage(status: &Status) -> bool {
    let is = |code, reason| status.code() == code && has_reason(status, reason);
    is(Code::Internal, "STORE_DAMAGED") || is(Code::DataLoss, "JOB_DAMAGED")
}

fn has_reason(status: &Status, reason: &str) -> bool {
    status.get_details_error_info().is_some_and(|info| info.reason == reason)
}

/// The first violated field and what it accepts.
fn violation(details: BadRequest) -> Option<(String, String)> {
    let violation = details.field_violations.into_iter().next()?;
    Some((violation.field, violation.description))
}

/// The key of the active job, which the service says in the `ErrorInfo`.
fn duplicate_of(status: &Status) -> Option<String> {
    status.get_details_error_info()?.metadata.remove("key")
}

/// Whole seconds, at least one.
fn retry_after(status: &Status) -> u64 {
    let delay = status.get_details_retry_info().and_then(|info| info.retry_delay);
    delay.map_or(DEFAULT_RETRY_AFTER, |delay| {
        delay.as_millis().div_ceil(1000).clamp(1, MAX_RETRY_AFTER) as u64
    })
}
