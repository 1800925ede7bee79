//! Errors of the domain as `Status` with `google.rpc` details, and as the same of one item of a
//! batch.

use std::{collections::HashMap, time::Duration};

use spiderq_proto::{RpcStatus, v1::ErrorReason};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt as _};

use spiderq_core::error::{Error, ResourceKind};

/// The domain of every `ErrorInfo`.
const ERROR_DOMAIN: &str = "spiderq";
/// What every reason's name begins with, and the `ErrorInfo` leaves out.
const REASON_PREFIX: &str = "ERROR_REASON_";
/// Bodies and responses under way end within about this time.
const OVERLOADED_RETRY_DELAY: Duration = Duration::from_secs(1);

/// What a caller is told of an error.
#[must_use]
pub fn of(error: &Error) -> Status {
    with(error, HashMap::new())
}

/// The same with more metadata in its `ErrorInfo`.
pub(super) fn with(error: &Error, more: HashMap<String, String>) -> Status {
    let (code, reason) = code_and_reason(error);
    let mut details = ErrorDetails::new();
    let mut metadata = metadata(error);
    metadata.extend(more);
    details.set_error_info(name(reason), ERROR_DOMAIN, metadata);
    let violations: Vec<_> = error.violations().into_iter().map(violation).collect();
    if !violations.is_empty() {
        details.set_bad_request(violations);
    }
    add_subject(&mut details, error, reason);
    if let Some(delay) = retry_delay(error) {
        details.set_retry_info(Some(delay));
    }
    Status::with_error_details(code, error.to_string(), details)
}

/// The error of one item of a batch: code, message and details are those of a [`Status`].
pub(super) fn item_error(error: &Error) -> RpcStatus {
    if let Error::Bug(source) = error {
        tracing::error!(%source, "internal error of an item");
    }
    let status = of(error);
    // The bytes of the details are those of a whole `google.rpc.Status`.
    let rest = || RpcStatus {
        code: status.code().into(),
        message: status.message().to_owned(),
        details: Vec::new(),
    };
    <RpcStatus as prost::Message>::decode(status.details()).unwrap_or_else(|_| rest())
}

fn violation(violation: spiderq_core::error::Violation) -> FieldViolation {
    FieldViolation::new(violation.path, violation.message)
}

fn name(reason: ErrorReason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix(REASON_PREFIX).unwrap_or(name)
}

/// What the error is about, where a caller may need it as data.
fn metadata(error: &Error) -> HashMap<String, String> {
    let pairs = match error {
        Error::Forbidden { required, .. } => {
            required.iter().map(|role| ("required_role", role.as_str().to_owned())).collect()
        }
        Error::FieldsForbidden { required, .. } => {
            vec![("required_role", required.as_str().to_owned())]
        }
        Error::WrongState { job, state, .. } => {
            vec![("key", job.to_string()), ("state", state.as_str().to_owned())]
        }
        Error::Duplicate { job, .. }
        | Error::Stale(job)
        | Error::EtagChanged(job)
        | Error::JobDamaged { job, .. } => vec![("key", job.to_string())],
        Error::AtLimit(limit) => vec![("limit", limit.name().to_owned())],
        Error::OutputGap(key, next) => {
            vec![("key", key.to_string()), ("next_offset", next.to_string())]
        }
        Error::KeyReplaced(by) => vec![("replaced_by", by.clone())],
        Error::QuotaExceeded { quota, most, .. } => {
            vec![("quota", quota.as_str().to_owned()), ("limit", most.to_string())]
        }
        Error::Invalid(_)
        | Error::TooLarge(_)
        | Error::Unauthenticated
        | Error::NotFound { .. }
        | Error::LastAdminKey
        | Error::RequestIdReused
        | Error::CursorGone
        | Error::OutputDisabled
        | Error::SlowReader(_)
        | Error::ShuttingDown
        | Error::Overloaded
        | Error::Unavailable { .. }
        | Error::OutcomeUnknown { .. }
        | Error::Damaged(_)
        | Error::Bug(_) => Vec::new(),
    };
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Adds what is not there, or in what state that does not allow it.
fn add_subject(details: &mut ErrorDetails, error: &Error, reason: ErrorReason) {
    let text = error.to_string();
    match error {
        Error::NotFound { kind, name, .. } => {
            details.set_resource_info(resource_type(*kind), name, "", text);
        }
        Error::WrongState { job, .. } | Error::Stale(job) | Error::OutputGap(job, _) => {
            details.add_precondition_failure_violation(name(reason), job.to_string(), text);
        }
        Error::AtLimit(limit) => {
            details.add_precondition_failure_violation(name(reason), limit.name(), text);
        }
        Error::LastAdminKey | Error::KeyReplaced(_) | Error::OutputDisabled => {
            details.add_precondition_failure_violation(name(reason), "", text);
        }
        Error::QuotaExceeded { quota, .. } => {
            details.add_quota_failure_violation(quota.as_str(), text);
        }
        Error::Invalid(_)
        | Error::TooLarge(_)
        | Error::Unauthenticated
        | Error::Forbidden { .. }
        | Error::FieldsForbidden { .. }
        | Error::Duplicate { .. }
        | Error::RequestIdReused
        | Error::EtagChanged(_)
        | Error::CursorGone
        | Error::SlowReader(_)
        | Error::ShuttingDown
        | Error::Overloaded
        | Error::Unavailable { .. }
        | Error::OutcomeUnknown { .. }
        | Error::Damaged(_)
        | Error::JobDamaged { .. }
        | Error::Bug(_) => {}
    }
}

const fn resource_type(kind: ResourceKind) -> &'static str {
    match kind {
        ResourceKind::Job => "spiderq.v1.Job",
        ResourceKind::Spider => "spiderq.v1.Spider",
        ResourceKind::ApiKey => "spiderq.v1.ApiKey",
        ResourceKind::Runner => "spiderq.v1.Runner",
    }
}

/// How long to wait before the next try, for errors that may pass.
const fn retry_delay(error: &Error) -> Option<Duration> {
    if let Error::Unavailable { retry_after, .. }
    | Error::QuotaExceeded { retry_after, .. }
    | Error::OutcomeUnknown { retry_after, .. } = error
    {
        return Some(*retry_after);
    }
    if matches!(error, Error::Overloaded) {
        return Some(OVERLOADED_RETRY_DELAY);
    }
    // Another server takes the call at once.
    if matches!(error, Error::ShuttingDown) { Some(Duration::ZERO) } else { None }
}

/// The name of the status that `error` becomes, as the gRPC specification writes it.
pub(super) const fn code_name(error: &Error) -> &'static str {
    match code_and_reason(error).0 {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

const fn code_and_reason(error: &Error) -> (Code, ErrorReason) {
    match error {
        Error::Invalid(_) => (Code::InvalidArgument, ErrorReason::InvalidField),
        Error::TooLarge(_) => (Code::ResourceExhausted, ErrorReason::TooLarge),
        Error::Unauthenticated => (Code::Unauthenticated, ErrorReason::Unauthenticated),
        Error::Forbidden { required: Some(_), .. } | Error::FieldsForbidden { .. } => {
            (Code::PermissionDenied, ErrorReason::RoleRequired)
        }
        Error::Forbidden { required: None, .. } => {
            (Code::PermissionDenied, ErrorReason::NotReached)
        }
        Error::NotFound { .. } => (Code::NotFound, ErrorReason::NotFound),
        Error::Duplicate { .. } => (Code::AlreadyExists, ErrorReason::Duplicate),
        Error::WrongState { .. } => (Code::FailedPrecondition, ErrorReason::WrongState),
        Error::AtLimit(_) => (Code::FailedPrecondition, ErrorReason::AtLimit),
        Error::Stale(_) => (Code::FailedPrecondition, ErrorReason::StaleFence),
        Error::LastAdminKey => (Code::FailedPrecondition, ErrorReason::LastAdminKey),
        Error::KeyReplaced(_) => (Code::FailedPrecondition, ErrorReason::KeyReplaced),
        Error::OutputGap(..) => (Code::FailedPrecondition, ErrorReason::OutputGap),
        Error::OutputDisabled => (Code::FailedPrecondition, ErrorReason::OutputDisabled),
        Error::RequestIdReused => (Code::Aborted, ErrorReason::RequestIdReused),
        Error::EtagChanged(_) => (Code::Aborted, ErrorReason::EtagChanged),
        Error::QuotaExceeded { .. } => (Code::ResourceExhausted, ErrorReason::QuotaExceeded),
        Error::CursorGone => (Code::OutOfRange, ErrorReason::CursorGone),
        Error::SlowReader(_) => (Code::ResourceExhausted, ErrorReason::SlowReader),
        Error::ShuttingDown => (Code::Unavailable, ErrorReason::ShuttingDown),
        Error::Overloaded => (Code::ResourceExhausted, ErrorReason::Overloaded),
        Error::Unavailable { .. } => (Code::Unavailable, ErrorReason::StoreUnavailable),
        Error::OutcomeUnknown { .. } => (Code::Unavailable, ErrorReason::OutcomeUnknown),
        Error::Damaged(_) => (Code::Internal, ErrorReason::StoreDamaged),
        Error::JobDamaged { .. } => (Code::DataLoss, ErrorReason::JobDamaged),
        Error::Bug(_) => (Code::Internal, ErrorReason::Internal),
    }
}

#[cfg(test)]
mod tests;
