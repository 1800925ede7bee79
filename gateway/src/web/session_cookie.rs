//! The cookie of a browser that has signed in. Browsers add cookies by themselves, so this one
//! counts only where the browser says that the page of this server makes the call, and only for
//! what no form or image of another page could send: gRPC-Web, and reads.

use http::{
    HeaderMap, HeaderValue, Method, Request, Uri,
    header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, ORIGIN},
};
use spiderq_core::limits::MAX_SESSION_BYTES;

use super::BasePath;
use crate::{
    auth::API_KEY,
    middleware::cross_site::{Origins, SEC_FETCH_SITE, is_write},
    params::Params,
};

const NAME: &str = "spiderq_session";

/// Marks a request whose credentials the browser added by itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BySession;

/// Takes the cookies off the request. The session among them becomes its credentials where it has
/// no others and `may_be_ambient` says so.
pub fn use_session<B>(request: &mut Request<B>, origins: &Origins) {
    // Over HTTP/2 a browser sends each cookie in a field of its own (RFC 9113, section 8.2.3).
    let session = request.headers().get_all(COOKIE).iter().find_map(find);
    request.headers_mut().remove(COOKIE);
    if let Some(session) = session {
        use_ambient(request, origins, || Some(session));
    }
}

/// Makes `session` the credentials of a request that has no others, where `may_be_ambient` says
/// so.
pub fn use_ambient<B>(
    request: &mut Request<B>,
    origins: &Origins,
    session: impl FnOnce() -> Option<String>,
) {
    if has_credentials(request.uri(), request.headers())
        || !may_be_ambient(request.method(), request.uri(), request.headers(), origins)
    {
        return;
    }
    let Some(session) = session() else { return };
    let Ok(mut value) = HeaderValue::try_from(format!("Bearer {session}")) else { return };
    value.set_sensitive(true);
    request.headers_mut().insert(AUTHORIZATION, value);
    request.extensions_mut().insert(BySession);
}

/// Whether the caller itself says who it is.
fn has_credentials(uri: &Uri, headers: &HeaderMap) -> bool {
    let query = uri.query().unwrap_or_default();
    headers.contains_key(AUTHORIZATION) || Params::parse(query.as_bytes()).take(API_KEY).is_some()
}

/// Whether a call may be made with what a browser adds by itself: a read, or a call of gRPC-Web, by
/// the server's own page. Where the browser tells nothing of the page, as over HTTP without TLS, a
/// read is taken: a cookie of `SameSite=Strict` does not come with the requests of other sites.
fn may_be_ambient(method: &Method, uri: &Uri, headers: &HeaderMap, origins: &Origins) -> bool {
    let site = headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes);
    let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
    let is_own = match (site, origin) {
        (Some(site), _) => Some(site == b"same-origin"),
        (None, Some(origin)) => Some(origins.is_own(origin, uri, headers)),
        (None, None) => None,
    };
    if is_grpc_web(method, headers) {
        return is_own == Some(true);
    }
    // Typed, or from a bookmark.
    let by_user = site == Some(b"none");
    !is_write(method, uri) && *method != Method::OPTIONS && (by_user || is_own != Some(false))
}

fn is_grpc_web(method: &Method, headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    *method == Method::POST && kind.starts_with(b"application/grpc-web")
}

/// The session in a `Cookie` header: the first of that name, which has the longest path.
fn find(header: &HeaderValue) -> Option<String> {
    let text = header.to_str().ok()?;
    let mut pairs = text.split(';').filter_map(|pair| pair.trim().split_once('='));
    let (_, session) = pairs.find(|(name, _)| *name == NAME)?;
    let plain = |letter: u8| letter.is_ascii_alphanumeric() || b"._-".contains(&letter);
    let is_good = (1..=MAX_SESSION_BYTES).contains(&session.len()) && session.bytes().all(plain);
    is_good.then(|| session.to_owned())
}

/// Gives a browser its session, for so many seconds; without one, takes it away.
pub(super) fn cookie(
    session: Option<(&str, u64)>,
    base: &BasePath,
    over_tls: bool,
) -> Option<HeaderValue> {
    let (session, seconds) = session.unwrap_or(("", 0));
    let secure = if over_tls { "; Secure" } else { "" };
    let text = format!(
        "{NAME}={session}; HttpOnly; SameSite=Strict; Path={base}; Max-Age={seconds}{secure}"
    );
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COOKIES: (&str, &str) = ("cookie", "a=b; spiderq_session=spiderq-session.x.y; c=d");
    const GRPC_WEB: (&str, &str) = ("content-type", "application/grpc-web+proto");

    /// The credentials that a request ends up with.
    fn used(method: &str, uri: &str, headers: &[(&str, &str)]) -> Option<String> {
        let origins = Origins {
            public_url: "https://jobs.test".to_owned(),
            allowed: vec!["*".to_owned(), "https://friend.test".to_owned()],
        };
        let mut request = Request::builder().method(method).uri(uri).header("host", "h.test:6900");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(()).unwrap();
        use_session(&mut request, &origins);
        assert!(!request.headers().contains_key(COOKIE));
        let value = request.headers().get(AUTHORIZATION);
        value.map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_session_is_used_by_the_own_page_for_reads_and_grpc_web() {
        let site = |value| ("sec-fetch-site", value);
        let origin = |value| ("origin", value);
        let (read, call) = (("GET", "/items/1/2/3"), ("POST", "/spiderq.v1.JobService/GetJob"));
        for ((method, uri), headers, good) in [
            (read, &[site("same-origin")][..], true),
            (read, &[site("none")], true),
            (read, &[], true),
            (("HEAD", "/items/1/2/3"), &[site("same-origin")], true),
            (read, &[site("same-site")], false),
            (read, &[site("cross-site")], false),
            (read, &[site("cross-site"), origin("https://jobs.test")], false),
            (read, &[origin("https://friend.test")], false),
            (read, &[origin("http://h.test:6900")], true),
            (call, &[GRPC_WEB, site("same-origin")], true),
            (call, &[GRPC_WEB, origin("http://h.test:6900")], true),
            (call, &[GRPC_WEB, origin("https://jobs.test")], true),
            (call, &[GRPC_WEB], false),
            (call, &[GRPC_WEB, site("none")], false),
            (call, &[GRPC_WEB, site("same-site")], false),
            (call, &[GRPC_WEB, site("cross-site"), origin("https://friend.test")], false),
            (call, &[GRPC_WEB, origin("http://h.test:8080")], false),
            (call, &[("content-type", "application/grpc"), site("same-origin")], false),
            (("GET", "/ids/1/spider/x?create=1"), &[site("same-origin")], false),
            (("POST", "/api/run.json"), &[site("same-origin")], false),
            (("DELETE", "/jobs/1/2/3"), &[site("same-origin")], false),
            (("OPTIONS", "/jobs/1/2/3"), &[site("same-origin")], false),
        ] {
            let headers = [headers, &[COOKIES]].concat();
            let expected = good.then(|| "Bearer spiderq-session.x.y".to_owned());
            assert_eq!(used(method, uri, &headers), expected, "{method} {uri} {headers:?}");
        }
    }

    #[test]
    fn credentials_that_a_caller_gives_itself_come_first() {
        let basic = ("authorization", "Basic SzpL");
        assert_eq!(used("GET", "/jobq/1/count", &[COOKIES, basic]).unwrap(), "Basic SzpL");
        assert_eq!(used("GET", "/jobq/1/count?apikey=K", &[COOKIES]), None);
    }

    #[test]
    fn each_cookie_may_come_in_a_field_of_its_own() {
        let fields = [("cookie", "a=b"), ("cookie", "spiderq_session=s"), ("cookie", "c=d")];
        assert_eq!(used("GET", "/jobq/1/count", &fields).unwrap(), "Bearer s");
    }

    #[test]
    fn other_cookies_are_no_sessions() {
        let long = format!("spiderq_session={}", "x".repeat(MAX_SESSION_BYTES + 1));
        for cookies in
            ["", "session=x", "spiderq_session", "spiderq_session=", "spiderq_session=a b", &long]
        {
            assert_eq!(used("GET", "/jobq/1/count", &[("cookie", cookies)]), None, "{cookies}");
        }
    }

    #[test]
    fn a_cookie_is_for_the_browser_alone() {
        let base: BasePath = "/x/".parse().unwrap();
        let given = cookie(Some(("s", 43_200)), &base, true).unwrap();
        let expected =
            "spiderq_session=s; HttpOnly; SameSite=Strict; Path=/x/; Max-Age=43200; Secure";
        assert_eq!(given.to_str().unwrap(), expected);
        assert!(given.is_sensitive());
        let taken = cookie(None, &BasePath::default(), false).unwrap();
        let expected = "spiderq_session=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0";
        assert_eq!(taken.to_str().unwrap(), expected);
    }
}
