//! Cross-origin requests from browsers: which pages may read the answers. Off unless origins
//! are allowed. Never with the browser's own credentials: a page sends its key itself.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{
        HeaderName, HeaderValue, Method, Request, Response, StatusCode,
        header::{
            ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
            ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
            ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
        },
    },
};

use crate::error::Error;

const METHODS: &str = "GET, HEAD, POST, PATCH, DELETE";
const REQUEST_HEADERS: &str = "authorization, content-type, content-encoding, accept, \
     if-none-match, idempotency-key, x-request-id, x-grpc-web, x-user-agent, grpc-timeout";
const ANSWER_HEADERS: &str = "grpc-status, grpc-message, grpc-status-details-bin, etag, \
     retry-after, x-request-id";
/// How long a browser may remember a preflight, seconds.
const MAX_AGE: &str = "3600";

/// The origins that are allowed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cors(Option<Arc<Origins>>);

#[derive(Debug)]
enum Origins {
    Any,
    These(Vec<HeaderValue>),
}

impl Cors {
    /// `*`, or origins like `https://example.com`; none: off.
    pub(crate) fn allow(origins: &[String]) -> Result<Self, Error> {
        if origins.is_empty() {
            return Ok(Self(None));
        }
        if origins.iter().any(|origin| origin == "*") {
            return Ok(Self(Some(Arc::new(Origins::Any))));
        }
        let these = origins.iter().map(|origin| parse(origin));
        let these = these.collect::<Result<_, _>>()?;
        Ok(Self(Some(Arc::new(Origins::These(these)))))
    }

    /// What a browser is told beside the answer to `request`; `None` where CORS is off.
    pub(crate) fn visit(&self, request: &Request<Body>) -> Option<Visit> {
        let origins = self.0.as_deref()?;
        let asking = request.headers().get(ORIGIN);
        Some(match origins {
            Origins::Any => {
                Visit { allowed: asking.map(|_| HeaderValue::from_static("*")), varies: false }
            }
            Origins::These(these) => Visit {
                allowed: asking.filter(|asking| these.contains(asking)).cloned(),
                varies: true,
            },
        })
    }
}

/// An origin as browsers send it: no path, not even `/`.
fn parse(origin: &str) -> Result<HeaderValue, Error> {
    let host = origin.split_once("://").map(|(_, host)| host);
    let good = host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '*']));
    let value = HeaderValue::from_str(origin).ok().filter(|_| good);
    value.ok_or_else(|| {
        Error::option(
            "cors-origin",
            format!("must be * or an origin like https://example.com, {origin} is not"),
        )
    })
}

/// One request's part.
#[derive(Debug)]
pub(crate) struct Visit {
    /// What the browser is told of the origin that asks; `None`: nothing, so it refuses.
    allowed: Option<HeaderValue>,
    /// Whether another origin would be told something else.
    varies: bool,
}

impl Visit {
    /// The whole answer, if the browser only asks what it may ask. Needs no key: browsers
    /// send none with it.
    pub(crate) fn preflight(&self, request: &Request<Body>) -> Option<Response<Body>> {
        let asks = request.method() == Method::OPTIONS
            && request.headers().contains_key(ORIGIN)
            && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        if !asks {
            return None;
        }
        let mut answer = Response::new(Body::empty());
        *answer.status_mut() = StatusCode::NO_CONTENT;
        if self.allowed.is_some() {
            let mut tell = |name: HeaderName, value| {
                answer.headers_mut().insert(name, HeaderValue::from_static(value));
            };
            tell(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
            tell(ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
            tell(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        }
        Some(self.mark(answer))
    }

    /// Lets the page read `answer`, if its origin is allowed.
    pub(crate) fn admit(&self, mut answer: Response<Body>) -> Response<Body> {
        if self.allowed.is_some() {
            let exposed = HeaderValue::from_static(ANSWER_HEADERS);
            answer.headers_mut().insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        }
        self.mark(answer)
    }

    fn mark(&self, mut answer: Response<Body>) -> Response<Body> {
        let headers = answer.headers_mut();
        if let Some(origin) = &self.allowed {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        }
        if self.varies {
            headers.append(VARY, HeaderValue::from_static("origin"));
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_no_path_and_no_pattern() {
        for good in ["https://example.com", "http://localhost:8080", "*"] {
            assert!(Cors::allow(&[good.to_owned()]).is_ok(), "{good}");
        }
        for bad in ["example.com", "https://", "https://example.com/", "https://*.com"] {
            assert_eq!(
                Cors::allow(&[bad.to_owned()]).unwrap_err().to_string(),
                format!(
                    "cors-origin: must be * or an origin like https://example.com, {bad} is not"
                )
            );
        }
    }
}
