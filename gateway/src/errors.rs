//! What went wrong, as HTTP: a `Status` or a refusal of the gateway's own becomes a code,
//! headers and a body in the form of its family (CONTRACT 2).

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::render::Object;

/// The two shapes of error bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// `/api/…`: `{"status":…,"message":…}`.
    Dash,
    /// Everything else: `{"error":…,"message":…}`.
    Storage,
}

impl Family {
    pub(crate) fn of(path: &str) -> Self {
        if path == "/api" || path.starts_with("/api/") { Self::Dash } else { Self::Storage }
    }
}

/// A refusal that knows no family yet.
#[derive(Debug)]
pub(crate) struct Problem {
    code: StatusCode,
    message: String,
    /// What the dash family says beside it: both its 400s, a bad parameter and a duplicate,
    /// have words of their own.
    dash_status: &'static str,
    /// Seconds after which a retry may help.
    retry_after: Option<u64>,
    /// A violated field as the services name it; the family knows its own name for it.
    field: Option<String>,
    /// Whether a service said so: then it has checked the credentials.
    checked: bool,
}

/// Marks an answer to a caller whose credentials nobody has checked yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unchecked;

impl Problem {
    /// A bad parameter, header or body part. `accepted` says what would be right.
    pub(crate) fn invalid(name: &str, accepted: impl AsRef<str>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, format!("{name}: {}", accepted.as_ref()))
    }

    pub(crate) fn new(code: StatusCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            dash_status: match code {
                StatusCode::BAD_REQUEST => "badrequest",
                _ => "error",
            },
            retry_after: None,
            field: None,
            checked: false,
        }
    }

    /// No credentials.
    pub(crate) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Authentication failed")
    }

    /// The same in the service's own names, where the path uses those.
    pub(crate) fn verbatim(mut self) -> Self {
        self.field = None;
        self
    }

    /// For an error line inside a good answer.
    pub(crate) fn into_message(self) -> String {
        self.message
    }

    /// The answer in the form of `family`.
    pub(crate) fn answer(self, family: Family) -> Response {
        let mut body = Object::new();
        match family {
            Family::Dash => body.text("status", self.dash_status),
            Family::Storage => body.text("error", self.code.canonical_reason().unwrap_or("Error")),
        };
        body.text("message", &self.told(family));
        let mut response = (self.code, [(header::CONTENT_TYPE, "application/json")], body.finish())
            .into_response();
        if !self.checked {
            response.extensions_mut().insert(Unchecked);
        }
        let headers = response.headers_mut();
        if self.code == StatusCode::UNAUTHORIZED {
            let basic = HeaderValue::from_static("Basic realm=\"spiderq\"");
            headers.insert(header::WWW_AUTHENTICATE, basic);
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }

    fn told(&self, family: Family) -> String {
        if self.code == StatusCode::UNAUTHORIZED {
            // The legacy Python client knows a bad key only by this exact text.
            return match family {
                Family::Dash => "Authentication failed".to_owned(),
                Family::Storage => "Unauthorized".to_owned(),
            };
        }
        let Some(field) = &self.field else {
            return self.message.clone();
        };
        let Some(rest) = self.message.strip_prefix(&format!("{field}: ")) else {
            return self.message.clone();
        };
        format!("{}: {rest}", parameter(field, family))
    }
}

/// What callers of the family call a field of the services.
fn parameter(field: &str, family: Family) -> &str {
    match (field.rsplit('.').next().unwrap_or(field), family) {
        ("spider_id", Family::Dash) => "jobq_id",
        ("tags" | "add", Family::Dash) => "add_tag",
        ("remove", Family::Dash) => "remove_tag",
        ("key" | "keys", Family::Dash) => "job",
        ("keys", Family::Storage) => "key",
        ("states", _) => "state",
        ("spiders", _) => "spider",
        ("has_tags", _) => "has_tag",
        ("lacks_tags", _) => "lacks_tag",
        ("start_ts", _) => "startts",
        ("end_ts", _) => "endts",
        ("metadata_fields", _) => "jobmeta",
        ("spider_id", Family::Storage) => "spider",
        ("start_after", _) => "startafter",
        // The one call with this field is about settings.
        ("names", _) => "settings",
        ("oldest_pending", _) => "count",
        ("request_id", _) => "Idempotency-Key",
        _ => field,
    }
}

impl From<Status> for Problem {
    fn from(status: Status) -> Self {
        if is_lost(&status) {
            let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "try again");
            problem.retry_after = Some(1);
            problem.checked = true;
            return problem;
        }
        let code = http_code(status.code());
        let mut problem = Self::new(code, status.message());
        problem.checked = true;
        match status.code() {
            Code::InvalidArgument | Code::ResourceExhausted => {
                problem.field = violated_field(&status);
            }
            // Of a request id that came with another request.
            Code::Aborted => problem.field = Some("request_id".to_owned()),
            Code::AlreadyExists => problem.dash_status = "error",
            Code::Unavailable => problem.retry_after = Some(retry_after(&status)),
            Code::Ok
            | Code::Cancelled
            | Code::Unknown
            | Code::DeadlineExceeded
            | Code::NotFound
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::Internal
            | Code::DataLoss
            | Code::Unauthenticated => {}
        }
        if code == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(code = ?status.code(), message = status.message(), "call failed");
            "internal error".clone_into(&mut problem.message);
        }
        problem
    }
}

/// Whether the connection to the service broke: only then a status has a source.
fn is_lost(status: &Status) -> bool {
    let lost = matches!(status.code(), Code::Unknown | Code::Cancelled | Code::Internal);
    lost && std::error::Error::source(status).is_some()
}

fn http_code(code: Code) -> StatusCode {
    match code {
        Code::InvalidArgument | Code::AlreadyExists => StatusCode::BAD_REQUEST,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::FailedPrecondition | Code::Aborted => StatusCode::CONFLICT,
        Code::ResourceExhausted => StatusCode::PAYLOAD_TOO_LARGE,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::OutOfRange
        | Code::Internal
        | Code::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn violated_field(status: &Status) -> Option<String> {
    let details = status.get_details_bad_request()?;
    Some(details.field_violations.into_iter().next()?.field)
}

/// Whole seconds, at least one.
fn retry_after(status: &Status) -> u64 {
    let delay = status.get_details_retry_info().and_then(|info| info.retry_delay);
    delay.map_or(1, |delay| delay.as_millis().div_ceil(1000).clamp(1, 3600) as u64)
}

/// A refusal in the form of the dash family.
#[derive(Debug)]
pub(crate) struct DashError(Problem);

/// A refusal in the form of the storage family.
#[derive(Debug)]
pub(crate) struct StorageError(Problem);

impl From<Problem> for DashError {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<Status> for DashError {
    fn from(status: Status) -> Self {
        Self(status.into())
    }
}

impl From<Problem> for StorageError {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<Status> for StorageError {
    fn from(status: Status) -> Self {
        Self(status.into())
    }
}

impl IntoResponse for DashError {
    fn into_response(self) -> Response {
        self.0.answer(Family::Dash)
    }
}

impl IntoResponse for StorageError {
    fn into_response(self) -> Response {
        self.0.answer(Family::Storage)
    }
}
