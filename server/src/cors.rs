//! CORS: which web pages of other origins may read responses. Off unless origins are allowed.
//! Browsers must not send their own credentials: a page sends its API key itself.

use std::time::Duration;

use axum::{
    body::Body,
    http::{
        HeaderName, HeaderValue, Method, Request,
        header::{ACCESS_CONTROL_REQUEST_METHOD, ORIGIN},
    },
};
use tower_http::cors::{Any, CorsLayer};

use crate::error::Error;

const METHODS: [Method; 5] =
    [Method::GET, Method::HEAD, Method::POST, Method::PATCH, Method::DELETE];
const REQUEST_HEADERS: [&str; 10] = [
    "authorization",
    "content-type",
    "content-encoding",
    "accept",
    "if-none-match",
    "idempotency-key",
    "x-request-id",
    "x-grpc-web",
    "x-user-agent",
    "grpc-timeout",
];
const RESPONSE_HEADERS: [&str; 6] = [
    "grpc-status",
    "grpc-message",
    "grpc-status-details-bin",
    "etag",
    "retry-after",
    "x-request-id",
];
/// How long a browser may cache the response to a preflight.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_secs(3600);

/// Allows `origins`, each like `https://example.com`, or all if one is `*`. `None`: CORS is off.
pub(crate) fn layer(origins: &[String]) -> Result<Option<CorsLayer>, Error> {
    if origins.is_empty() {
        return Ok(None);
    }
    let layer = CorsLayer::new()
        .allow_methods(METHODS)
        .allow_headers(REQUEST_HEADERS.map(HeaderName::from_static))
        .expose_headers(RESPONSE_HEADERS.map(HeaderName::from_static))
        .max_age(PREFLIGHT_MAX_AGE);
    if origins.iter().any(|origin| origin == "*") {
        return Ok(Some(layer.allow_origin(Any)));
    }
    let origins = origins.iter().map(|origin| parse(origin));
    let origins: Vec<HeaderValue> = origins.collect::<Result<_, _>>()?;
    Ok(Some(layer.allow_origin(origins)))
}

/// Whether CORS must see `request`: the layer takes each OPTIONS for a preflight, but one
/// without these headers is a method like any other, which the routes refuse.
pub(crate) fn applies_to(request: &Request<Body>) -> bool {
    let headers = request.headers();
    request.method() != Method::OPTIONS
        || (headers.contains_key(ORIGIN) && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD))
}

/// An origin as browsers send it: without a path, not even `/`.
fn parse(origin: &str) -> Result<HeaderValue, Error> {
    let host = origin.split_once("://").map(|(_, host)| host);
    let good = host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '*']));
    let value = HeaderValue::from_str(origin).ok().filter(|_| good);
    value.ok_or_else(|| {
        let problem = format!("must be * or an origin like https://example.com, {origin} is not");
        Error::option("cors-origin", problem)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_no_path_and_no_pattern() {
        for good in ["https://example.com", "http://localhost:8080", "*"] {
            assert!(layer(&[good.to_owned()]).is_ok(), "{good}");
        }
        for bad in ["example.com", "https://", "https://example.com/", "https://*.com"] {
            let expected = format!(
                "cors-origin: must be * or an origin like https://example.com, {bad} is not"
            );
            assert_eq!(layer(&[bad.to_owned()]).unwrap_err().to_string(), expected);
        }
    }
}
