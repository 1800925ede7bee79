//! Whether valid credentials have come over a connection. One that has shown none yet gets less
//! patience, and goes first when there is no room for another.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    body::Body,
    http::{HeaderName, Response, StatusCode, header::CONTENT_TYPE},
};

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// Shared by all requests of one connection, which carry it in their extensions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Authenticated(Arc<AtomicBool>);

impl Authenticated {
    /// Valid credentials have come. Never taken back.
    pub(crate) fn mark(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_marked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Whether this response to a request that needs credentials says that they were valid. Refusals
/// do not count: some are made before credentials are looked at.
pub(super) fn is_proof(response: &Response<Body>) -> bool {
    let headers = response.headers();
    let content_type = headers.get(CONTENT_TYPE).map_or(&b""[..], |kind| kind.as_bytes());
    if content_type.starts_with(b"application/grpc") {
        // A call that was taken has its status in the trailers.
        return headers.get(GRPC_STATUS).is_none_or(|status| status == "0");
    }
    let status = response.status();
    status.is_success() || status == StatusCode::NOT_MODIFIED
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(code: u16, headers: &[(&str, &str)]) -> Response<Body> {
        let mut response = Response::builder().status(code);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        response.body(Body::empty()).unwrap()
    }

    #[test]
    fn only_what_was_done_proves_credentials() {
        let grpc = ("content-type", "application/grpc");
        for (code, headers, proof) in [
            (200, &[][..], true),
            (304, &[], true),
            (400, &[], false),
            (401, &[], false),
            (403, &[], false),
            (200, &[grpc], true),
            (200, &[grpc, ("grpc-status", "0")], true),
            (200, &[grpc, ("grpc-status", "16")], false),
            (200, &[grpc, ("grpc-status", "3")], false),
        ] {
            assert_eq!(is_proof(&response(code, headers)), proof, "{code} {headers:?}");
        }
    }
}
