//! Good answers by their media types.

use axum::response::{IntoResponse as _, Response};
use http::header::CONTENT_TYPE;

/// `body` as JSON.
pub(crate) fn json(body: String) -> Response {
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

/// The answer to a write that went well; no content type, for JSON of no bytes there is not.
pub(crate) fn empty() -> Response {
    ().into_response()
}

/// `body` as JSON lines.
pub(crate) fn lines(body: String) -> Response {
    ([(CONTENT_TYPE, "application/x-jsonlines")], body).into_response()
}
