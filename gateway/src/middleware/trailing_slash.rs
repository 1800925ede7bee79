//! Every path may end with a slash, as contract 2 says: it is removed before routing.

use axum::extract::Request;
use http::{Uri, uri::PathAndQuery};

pub(crate) fn remove(mut request: Request) -> Request {
    if let Some(uri) = without_slash(request.uri()) {
        *request.uri_mut() = uri;
    }
    request
}

/// `None` where there is nothing to remove; `/` alone stays.
fn without_slash(uri: &Uri) -> Option<Uri> {
    let trimmed = uri.path().trim_end_matches('/');
    if trimmed.is_empty() || trimmed.len() == uri.path().len() {
        return None;
    }
    let path = match uri.query() {
        Some(query) => format!("{trimmed}?{query}"),
        None => trimmed.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(path).ok()?);
    Uri::from_parts(parts).ok()
}
