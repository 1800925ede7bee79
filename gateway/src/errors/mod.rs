//! What went wrong, as an HTTP response. A [`Problem`] is a refusal of the gateway's own or the
//! `Status` of a service (`status`); the family of the path decides the form of its body
//! (contract 2).

mod parameter;
mod status;

use std::fmt::Display;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use spiderq_core::error::Error;

pub(crate) use self::status::item_message;
use crate::{render::Object, responses::JSON};

/// Seconds: bodies under way are done within about this time.
const OVERLOADED_RETRY_AFTER: u64 = 1;

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

/// A refusal that does not depend on the family yet.
#[derive(Debug)]
pub(crate) struct Problem {
    code: StatusCode,
    field: Option<Field>,
    /// What is wrong; with a `field`, what that field accepts.
    message: String,
    /// `status` of a dash body. By it clients tell apart the two kinds of 400, a bad parameter
    /// and a duplicate job.
    dash_status: &'static str,
    /// Key of the active job that the refused one is a duplicate of.
    duplicate_of: Option<String>,
    /// Seconds after which a retry may help.
    retry_after: Option<u64>,
    /// Whether a service refused: it has checked the credentials before.
    credentials_checked: bool,
}

/// The field at fault.
#[derive(Debug)]
enum Field {
    /// As the caller named it: a parameter, a header or a field of the body.
    OfRequest(String),
    /// A field of the gRPC message by its path; which parameter fills it depends on the family.
    OfMessage(String),
}

/// Marks a response to a caller whose credentials have not been checked yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CredentialsUnchecked;

impl Problem {
    pub(crate) fn new(code: StatusCode, message: impl Into<String>) -> Self {
        let dash_status = if code == StatusCode::BAD_REQUEST { "badrequest" } else { "error" };
        Self {
            code,
            field: None,
            message: message.into(),
            dash_status,
            duplicate_of: None,
            retry_after: None,
            credentials_checked: false,
        }
    }

    pub(crate) fn of_field(code: StatusCode, name: &str, accepted: impl Into<String>) -> Self {
        Self { field: Some(Field::OfRequest(name.to_owned())), ..Self::new(code, accepted) }
    }

    /// A bad parameter, header or field of the body. `accepted` says what would be right.
    pub(crate) fn invalid(name: &str, accepted: impl Into<String>) -> Self {
        Self::of_field(StatusCode::BAD_REQUEST, name, accepted)
    }

    pub(crate) fn is_unauthenticated(&self) -> bool {
        self.code == StatusCode::UNAUTHORIZED
    }

    pub(crate) fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Authentication failed")
    }

    /// What the memory budget refused: the caller may try again, unless it can never fit.
    pub(crate) fn no_memory(error: Error) -> Self {
        match error.violations().pop() {
            Some(violation) => {
                Self::of_field(StatusCode::PAYLOAD_TOO_LARGE, "body", violation.message)
            }
            None => Self {
                retry_after: Some(OVERLOADED_RETRY_AFTER),
                ..Self::new(StatusCode::TOO_MANY_REQUESTS, error.to_string())
            },
        }
    }

    /// A fault of the gateway or of a service; `what` is for the log alone.
    pub(crate) fn bug(what: impl Display) -> Self {
        tracing::error!(%what, "internal error");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal error")
    }

    /// For a path that clients know to answer 400 where others answer 409.
    pub(crate) fn conflict_as_bad_request(mut self) -> Self {
        if self.code == StatusCode::CONFLICT {
            self.code = StatusCode::BAD_REQUEST;
        }
        self
    }

    /// For a path whose body has the field names of the gRPC message.
    pub(crate) fn without_renaming(mut self) -> Self {
        self.field = self.field.map(|field| Field::OfRequest(field.into_name()));
        self
    }

    /// For a path that has a name of its own for a field of the message.
    pub(crate) fn renaming(mut self, field: &str, parameter: &str) -> Self {
        if matches!(&self.field, Some(Field::OfMessage(path)) if path == field) {
            self.field = Some(Field::OfRequest(parameter.to_owned()));
        }
        self
    }

    /// For a path whose message holds lines of the body: names the one at fault by its number there.
    pub(crate) fn naming_line(mut self, numbers: &[usize]) -> Self {
        let index = match &self.field {
            Some(Field::OfMessage(path)) => {
                path.strip_prefix("lines[").and_then(|rest| rest.split(']').next()?.parse().ok())
            }
            Some(Field::OfRequest(_)) | None => None,
        };
        let number: Option<&usize> = index.and_then(|index: usize| numbers.get(index));
        if let Some(number) = number {
            self.field = Some(Field::OfRequest(format!("line {number} of the body")));
        }
        self
    }

    /// For a path whose clients know this error of the service as a bad parameter.
    pub(crate) fn into_invalid(self, name: &str, accepted: &str) -> Self {
        let credentials_checked = self.credentials_checked;
        Self { credentials_checked, ..Self::invalid(name, accepted) }
    }

    /// Whether the same request would be refused again, as far as the code tells.
    pub(crate) fn is_final(&self) -> bool {
        [
            StatusCode::BAD_REQUEST,
            StatusCode::FORBIDDEN,
            StatusCode::NOT_FOUND,
            StatusCode::CONFLICT,
            StatusCode::PAYLOAD_TOO_LARGE,
            StatusCode::NOT_IMPLEMENTED,
        ]
        .contains(&self.code)
    }

    /// Whether what was asked for may have been done all the same.
    pub(crate) fn leaves_outcome_unknown(&self) -> bool {
        [StatusCode::SERVICE_UNAVAILABLE, StatusCode::GATEWAY_TIMEOUT].contains(&self.code)
    }

    /// The text for an error line in a successful response, whose fields keep their names.
    pub(crate) fn into_message(self) -> String {
        match self.field {
            Some(field) => format!("{}: {}", field.into_name(), self.message),
            None => self.message,
        }
    }

    pub(crate) fn into_response(self, family: Family) -> Response {
        let mut body = Object::new();
        match family {
            Family::Dash => body.text("status", self.dash_status),
            Family::Storage => body.text("error", self.code.canonical_reason().unwrap_or("Error")),
        };
        body.text("message", &self.message(family));
        if let (Family::Dash, Some(job_key)) = (family, &self.duplicate_of) {
            body.text("jobid", job_key);
        }
        let body = body.finish();
        let mut response = (self.code, [(header::CONTENT_TYPE, JSON)], body).into_response();
        if !self.credentials_checked {
            response.extensions_mut().insert(CredentialsUnchecked);
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

    fn message(&self, family: Family) -> String {
        match (&self.field, family) {
            // The legacy Python client knows a bad API key by this exact text alone.
            (_, Family::Dash) if self.code == StatusCode::UNAUTHORIZED => {
                "Authentication failed".to_owned()
            }
            (_, Family::Storage) if self.code == StatusCode::UNAUTHORIZED => {
                "Unauthorized".to_owned()
            }
            (None, _) => self.message.clone(),
            (Some(Field::OfRequest(name)), _) => format!("{name}: {}", self.message),
            (Some(Field::OfMessage(path)), family) => {
                format!("{}: {}", parameter::name(path, family), self.message)
            }
        }
    }
}

impl Field {
    fn into_name(self) -> String {
        match self {
            Self::OfRequest(name) => name,
            Self::OfMessage(path) => parameter::body_field(&path).into_owned(),
        }
    }
}

/// The response of the listener itself, in the form of the path's family.
#[must_use]
pub fn refusal(path: &str, code: StatusCode, message: &str) -> Response {
    Problem::new(code, message).into_response(Family::of(path))
}

/// A part of a response that the service always sends; it is a bug if it is missing.
pub(crate) fn required<T>(part: Option<T>, name: &str) -> Result<T, Problem> {
    part.ok_or_else(|| Problem::bug(format_args!("the response of the service has no {name}")))
}

/// A refusal in the form of the dash family.
#[derive(Debug)]
pub(crate) struct DashError(Problem);

/// A refusal in the form of the storage family.
#[derive(Debug)]
pub(crate) struct StorageError(Problem);

impl<E: Into<Problem>> From<E> for DashError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl<E: Into<Problem>> From<E> for StorageError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for DashError {
    fn into_response(self) -> Response {
        self.0.into_response(Family::Dash)
    }
}

impl IntoResponse for StorageError {
    fn into_response(self) -> Response {
        self.0.into_response(Family::Storage)
    }
}
