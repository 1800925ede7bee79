//! Successful responses by their media types.

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use http::header::CONTENT_TYPE;
use spiderq_core::HeldMemory;

pub(crate) const JSON: &str = "application/json";
pub(crate) const JSON_LINES: &str = "application/x-jsonlines";

pub(crate) fn json(body: String) -> Response {
    typed(JSON, body)
}

pub(crate) fn json_lines(body: impl Into<Body>) -> Response {
    typed(JSON_LINES, body)
}

pub(crate) fn typed(content_type: &'static str, body: impl Into<Body>) -> Response {
    ([(CONTENT_TYPE, content_type)], body.into()).into_response()
}

/// A message of the service, and the memory that it holds until what is made of it is sent.
pub(crate) fn take_held<T>(response: tonic::Response<T>) -> (T, Option<HeldMemory>) {
    let (_, message, mut extensions) = response.into_parts();
    (message, extensions.remove())
}

/// `response`, which holds this memory until it is sent.
pub(crate) fn holding(mut response: Response, held: Option<HeldMemory>) -> Response {
    if let Some(held) = held {
        response.extensions_mut().insert(held);
    }
    response
}

/// The response to a successful write. An empty body would not be valid JSON, so there is no
/// content type.
pub(crate) fn empty() -> Response {
    ().into_response()
}
