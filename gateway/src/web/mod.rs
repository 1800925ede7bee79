//! The web page: its files, the login that gives a browser a session, and the cookie that holds it.
//! Everything that the page shows comes over gRPC-Web and the documented paths, like anybody's.

mod base_path;
mod files;
mod session_cookie;
mod sessions;

use std::{path::PathBuf, sync::Arc};

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{
        ACCEPT, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, REFERRER_POLICY, VARY,
        WWW_AUTHENTICATE,
    },
};

pub(crate) use self::sessions::{SESSION, sign_in, sign_out, who};
pub use self::{
    base_path::BasePath,
    session_cookie::{use_ambient, use_session},
};
use self::{
    files::{File, Files},
    session_cookie::BySession,
};
use crate::{etag, middleware::accept_encoding};

/// What the page may load: its own files and calls, nothing of others, and nothing inline.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src 'self' data:; worker-src 'self'; frame-ancestors 'none'; base-uri 'none'; \
     form-action 'self'",
);
/// Of what a browser may open beside the page: a document that loads and runs nothing.
const NO_DOCUMENT: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox allow-downloads");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
/// Names of assets change with what is in them.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const VALIDATE: HeaderValue = HeaderValue::from_static("no-cache");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Where the files of assets are, below the base path.
const ASSETS: &str = "/assets/";
const INDEX: &str = "index.html";

/// How the page is served.
#[derive(Clone, Debug, Default)]
pub struct PageOptions {
    /// Files are read from this folder at each request, for development; `None`: those that were
    /// embedded when the program was built.
    pub folder: Option<PathBuf>,
    /// Under which path browsers see this server.
    pub base: BasePath,
}

/// Marks a response that was given to anybody, which says nothing of the caller's credentials.
#[derive(Clone, Copy, Debug)]
pub struct GivenToAnybody;

#[derive(Debug)]
pub(crate) struct Page {
    files: Files,
    base: BasePath,
}

impl Page {
    pub(crate) fn new(options: &PageOptions) -> Self {
        let files = Files::new(options.folder.clone());
        Self { files, base: options.base.clone() }
    }

    async fn response(&self, path: &str, headers: &HeaderMap) -> Response {
        match path.strip_prefix(ASSETS) {
            None => match self.files.read(INDEX).await {
                Some(file) => self.index(&file, headers),
                None => missing(),
            },
            Some(INDEX) => missing(),
            Some(name) => match self.files.read(name).await {
                Some(file) => asset(&file, headers),
                None => missing(),
            },
        }
    }

    fn index(&self, file: &File, headers: &HeaderMap) -> Response {
        let text = String::from_utf8_lossy(&file.bytes);
        let text = text.replace("{{base}}", self.base.as_str());
        let mut response = etag::typed_with_tag(file.content_type, headers, text);
        let answered = response.headers_mut();
        answered.insert(CACHE_CONTROL, VALIDATE);
        answered.insert(VARY, HeaderValue::from_static("accept"));
        answered.insert(CONTENT_SECURITY_POLICY, POLICY);
        answered.insert(OPENER_POLICY, SAME_ORIGIN);
        response
    }
}

fn asset(file: &File, headers: &HeaderMap) -> Response {
    let compressed = file.compressed.clone().filter(|_| accept_encoding::prefers_gzip(headers));
    let is_compressed = compressed.is_some();
    let body = compressed.unwrap_or_else(|| file.bytes.clone());
    let mut response = etag::tagged(file.content_type, headers, &file.tag, body);
    let is_whole = response.status() == StatusCode::OK;
    let answered = response.headers_mut();
    if is_compressed && is_whole {
        answered.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    answered.insert(VARY, HeaderValue::from_static("accept-encoding"));
    let caching = if file.is_embedded { FOR_EVER } else { VALIDATE };
    answered.insert(CACHE_CONTROL, caching);
    // A worker goes by the policy of its own response.
    answered.insert(CONTENT_SECURITY_POLICY, POLICY);
    response
}

fn missing() -> Response {
    let mut response = (StatusCode::NOT_FOUND, "the page has no such file\n").into_response();
    response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    response
}

/// Answers requests for the page, and passes on all others.
pub(crate) async fn serve(State(page): State<Arc<Page>>, request: Request, next: Next) -> Response {
    let is_head = request.method() == Method::HEAD;
    let path = request.uri().path();
    if !(is_head || request.method() == Method::GET) || !is_of_page(path, request.headers()) {
        return guarded(request, next).await;
    }
    let mut response = page.response(path, request.headers()).await;
    let answered = response.headers_mut();
    answered.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    answered.insert(RESOURCE_POLICY, SAME_ORIGIN);
    response.extensions_mut().insert(GivenToAnybody);
    if is_head { response.map(|_| Body::empty()) } else { response }
}

/// The response of the API to a browser: never a document that could act for its user, kept by
/// nobody unless it says so, and without the question for a password that browsers know.
async fn guarded(request: Request, next: Next) -> Response {
    let by_session = request.extensions().get::<BySession>().is_some();
    let is_login = request.uri().path().trim_end_matches('/') == SESSION;
    let mut response = next.run(request).await;
    if by_session || is_login {
        let headers = response.headers_mut();
        headers.remove(WWW_AUTHENTICATE);
        headers.insert(CONTENT_SECURITY_POLICY, NO_DOCUMENT);
        headers.insert(RESOURCE_POLICY, SAME_ORIGIN);
        headers.entry(CACHE_CONTROL).or_insert(NO_STORE);
    }
    response
}

/// Whether a GET is for the page: an asset, or an address of the page where HTML is asked for.
/// Programs do not ask for it, and no path of the API is such an address.
fn is_of_page(path: &str, headers: &HeaderMap) -> bool {
    if path.starts_with(ASSETS) {
        return true;
    }
    let path = path.trim_end_matches('/');
    let is_address = ["", "/login", "/runners", "/settings", "/docs", "/admin"].contains(&path)
        || path.starts_with("/p/")
        || path.starts_with("/admin/");
    is_address && asks_for_html(headers)
}

fn asks_for_html(headers: &HeaderMap) -> bool {
    let lists = headers.get_all(ACCEPT).iter().filter_map(|list| list.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|item| {
        let kind = item.split(';').next().unwrap_or(item);
        kind.trim().eq_ignore_ascii_case("text/html")
    })
}
