//! Gives each request an id, which names it in logs, in gRPC metadata and in its response.

use axum::{extract::Request, middleware::Next, response::Response};
use http::HeaderValue;
use spiderq_core::limits::MAX_LOG_REQUEST_ID_BYTES;
use tracing::Instrument as _;
use uuid::Uuid;

/// The header that carries the id both ways.
pub(crate) const REQUEST_ID: &str = "x-request-id";

/// Keeps the caller's id, or makes one.
pub(crate) async fn ensure(mut request: Request, next: Next) -> Response {
    let id = match request.headers().get(REQUEST_ID) {
        Some(id) if is_usable(id) => id.clone(),
        _ => new_id(),
    };
    request.headers_mut().insert(REQUEST_ID, id.clone());
    // The path alone is logged: a query may hold an API key.
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let span = tracing::info_span!("http", ?id, %method, path);
    let mut response = next.run(request).instrument(span).await;
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

fn is_usable(id: &HeaderValue) -> bool {
    let characters = id.as_bytes();
    (1..=MAX_LOG_REQUEST_ID_BYTES).contains(&characters.len())
        && characters.iter().all(u8::is_ascii_graphic)
}

fn new_id() -> HeaderValue {
    let id = Uuid::now_v7().to_string();
    // This cannot fail, as a UUID is ASCII text.
    HeaderValue::try_from(id).unwrap_or_else(|_| HeaderValue::from_static("none"))
}
