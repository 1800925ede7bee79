//! Refuses writes that a web page of another site makes its visitor's browser send. Browsers keep
//! Basic credentials and add them by themselves, so those prove nothing about who wanted the write.
//! Programs send neither `Sec-Fetch-Site` nor `Origin`.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{
    HeaderMap, HeaderName, Method, StatusCode, Uri,
    header::{AUTHORIZATION, HOST, ORIGIN},
};

use crate::{
    errors::{Family, Problem},
    params::Params,
    services::Options,
};

pub(crate) const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const NOT_ALLOWED: &str =
    "writes from web pages of other sites are refused: the server must allow their origin";
/// Where pages of any site may write, they must bring their key: Basic credentials may be the
/// browser's.
const BASIC_OF_ANY_PAGE: &str = "where any origin is allowed (--cors-origin '*'), a page must send \
     its key as `Authorization: Bearer KEY`: Basic credentials are taken from origins only that \
     --cors-origin names";

/// Whose pages may write.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    /// How clients reach this server, as in [`crate::Options`].
    pub public_url: String,
    /// Origins of other sites, such as `https://example.com`, or `*` for all.
    pub allowed: Vec<String>,
}

impl Origins {
    pub(crate) fn of(options: &Options) -> Self {
        let (public_url, allowed) = (options.public_url.clone(), options.allowed_origins.clone());
        Self { public_url, allowed }
    }

    /// Why this write, to the server that `uri` or its header `Host` names, must be refused.
    #[must_use]
    pub fn refusal(&self, uri: &Uri, headers: &HeaderMap) -> Option<&'static str> {
        let site = headers.get(SEC_FETCH_SITE).map(|site| site.as_bytes());
        // No page can set this header: where it is, it tells.
        if matches!(site, Some(b"same-origin" | b"none")) {
            return None;
        }
        let Some(origin) = headers.get(ORIGIN) else {
            return site.is_some().then_some(NOT_ALLOWED);
        };
        let Ok(origin) = origin.to_str() else {
            return Some(NOT_ALLOWED);
        };
        let is_own = site.is_none() && self.is_own(origin, uri, headers);
        if is_own { None } else { self.refusal_of(origin, headers) }
    }

    /// Whether `origin` is this server. Behind a proxy that ends TLS its scheme may differ.
    pub(crate) fn is_own(&self, origin: &str, uri: &Uri, headers: &HeaderMap) -> bool {
        let Some((scheme, origin_host)) = origin.split_once("://") else {
            return false;
        };
        let default_port = if scheme == "https" { ":443" } else { ":80" };
        let short =
            |host: &str| host.strip_suffix(default_port).unwrap_or(host).to_ascii_lowercase();
        let host = match uri.authority() {
            Some(authority) => Some(authority.as_str()),
            None => headers.get(HOST).and_then(|host| host.to_str().ok()),
        };
        let public = self.public_url.strip_prefix(scheme).and_then(|url| url.strip_prefix("://"));
        let public = public.map(|rest| rest.split('/').next().unwrap_or(rest));
        [host, public].into_iter().flatten().any(|own| short(own) == short(origin_host))
    }

    fn refusal_of(&self, origin: &str, headers: &HeaderMap) -> Option<&'static str> {
        if self.allowed.iter().any(|allowed| allowed == origin) {
            return None;
        }
        if !self.allowed.iter().any(|allowed| allowed == "*") {
            return Some(NOT_ALLOWED);
        }
        let credentials = headers.get(AUTHORIZATION).map_or(&b""[..], |value| value.as_bytes());
        let is_basic = credentials.get(..5).is_some_and(|kind| kind.eq_ignore_ascii_case(b"basic"));
        is_basic.then_some(BASIC_OF_ANY_PAGE)
    }
}

/// Answers 403 before anything is done or read.
pub(crate) async fn refuse_writes(
    State(origins): State<Arc<Origins>>,
    request: Request,
    next: Next,
) -> Response {
    let (uri, headers) = (request.uri(), request.headers());
    if is_write(request.method(), uri)
        && let Some(why) = origins.refusal(uri, headers)
    {
        return Problem::new(StatusCode::FORBIDDEN, why).into_response(Family::of(uri.path()));
    }
    next.run(request).await
}

/// Every method but the safe ones, and the GET that makes a spider.
pub(crate) fn is_write(method: &Method, uri: &Uri) -> bool {
    let is_safe = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    let query = uri.query().unwrap_or_default();
    !is_safe
        || (uri.path().starts_with("/ids/")
            && Params::parse(query.as_bytes()).take("create").is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refuses(allowed: &[&str], headers: &[(&str, &str)]) -> bool {
        refusal(allowed, headers).is_some()
    }

    fn refusal(allowed: &[&str], headers: &[(&str, &str)]) -> Option<&'static str> {
        let origins = Origins {
            public_url: "https://jobs.test/".to_owned(),
            allowed: allowed.iter().map(|&origin| origin.to_owned()).collect(),
        };
        let mut all = HeaderMap::new();
        all.insert(HOST, "127.0.0.1:6900".parse().unwrap());
        for (name, value) in headers {
            all.insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        origins.refusal(&Uri::from_static("/jobq/1/push"), &all)
    }

    #[test]
    fn a_write_is_refused_unless_its_page_is_own_or_allowed() {
        let site = |value| ("sec-fetch-site", value);
        let origin = |value| ("origin", value);
        for (headers, refused) in [
            // No browser.
            (&[][..], false),
            (&[site("same-origin")], false),
            (&[site("none")], false),
            (&[site("cross-site")], true),
            (&[site("same-site")], true),
            (&[site("else")], true),
            (&[origin("http://127.0.0.1:6900")], false),
            (&[origin("https://127.0.0.1:6900")], false),
            (&[origin("https://jobs.test")], false),
            (&[origin("https://JOBS.test:443")], false),
            (&[origin("http://jobs.test")], true),
            (&[origin("http://127.0.0.1:6901")], true),
            (&[origin("https://evil.test")], true),
            (&[origin("https://jobs.test.evil.test")], true),
            (&[origin("null")], true),
            // Behind a proxy that names another host.
            (&[origin("https://shown.test"), site("same-origin")], false),
            (&[origin("https://evil.test"), site("cross-site")], true),
            (&[origin("https://jobs.test"), site("cross-site")], true),
        ] {
            assert_eq!(refuses(&[], headers), refused, "{headers:?}");
        }
    }

    #[test]
    fn an_allowed_origin_may_write_and_any_origin_only_with_a_key_of_its_own() {
        let page = [("origin", "https://page.test"), ("sec-fetch-site", "cross-site")];
        let basic = [&page[..], &[("authorization", "Basic SzpL")]].concat();
        let bearer = [&page[..], &[("authorization", "Bearer K")]].concat();
        assert!(!refuses(&["https://page.test"], &basic));
        assert!(refuses(&["https://other.test"], &bearer));
        assert!(!refuses(&["*"], &bearer));
        assert!(!refuses(&["*"], &page));
        assert_eq!(refusal(&["*"], &basic), Some(BASIC_OF_ANY_PAGE));
        assert_eq!(refusal(&["https://other.test"], &basic), Some(NOT_ALLOWED));
        assert!(refuses(&["*"], &[("sec-fetch-site", "cross-site")]));
    }

    #[test]
    fn a_get_that_makes_a_spider_is_a_write() {
        let is = |method: Method, uri: &str| is_write(&method, &uri.parse().unwrap());
        assert!(is(Method::POST, "/jobq/1/count") && is(Method::DELETE, "/jobs/1/2/3"));
        assert!(is(Method::GET, "/ids/1/spider/x?create=1"));
        assert!(!is(Method::GET, "/ids/1/spider/x") && !is(Method::HEAD, "/jobq/1/count?create=1"));
    }
}
