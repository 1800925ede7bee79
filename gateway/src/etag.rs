//! Conditional GET (RFC 9110, section 13.1.2): a response carries a weak tag of its body, and a
//! client that sends that tag back gets 304 without a body.

use axum::response::Response;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
};
use sha2::{Digest as _, Sha256};

use crate::responses::typed;

/// A response is for its caller alone, so shared caches must not keep it; a client that keeps it
/// has to validate it before each use.
const KEEP_BUT_VALIDATE: HeaderValue = HeaderValue::from_static("private, no-cache");

/// `body` with its tag, or 304 where the request's `If-None-Match` names that tag.
pub(crate) fn typed_with_tag(
    content_type: &'static str,
    request_headers: &HeaderMap,
    body: String,
) -> Response {
    let tag = tag(body.as_bytes());
    tagged(content_type, request_headers, &tag, body)
}

/// The same, for a body whose [`tag`] is known.
pub(crate) fn tagged(
    content_type: &'static str,
    request_headers: &HeaderMap,
    tag: &str,
    body: impl Into<Bytes>,
) -> Response {
    let lists = request_headers.get_all(IF_NONE_MATCH);
    let unchanged = lists.iter().any(|list| list.to_str().is_ok_and(|list| contains(list, tag)));
    let body = if unchanged { Bytes::new() } else { body.into() };
    let mut response = typed(content_type, body);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, KEEP_BUT_VALIDATE);
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(ETAG, tag);
    }
    if unchanged {
        headers.remove(CONTENT_TYPE);
        headers.remove(CONTENT_LENGTH);
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    response
}

/// Weak, as compression changes the bytes but not what they say.
pub(crate) fn tag(body: &[u8]) -> String {
    let digest = Sha256::digest(body);
    format!("W/\"{}\"", BASE64.encode(&digest[..16]))
}

/// Whether the list of tags contains `tag`, compared weakly. A tag of another server may hold a
/// comma and then counts as two; ours have none.
fn contains(list: &str, tag: &str) -> bool {
    fn opaque(tag: &str) -> &str {
        tag.strip_prefix("W/").unwrap_or(tag)
    }
    let mut tags = list.split(',').map(str::trim);
    list.trim() == "*" || tags.any(|one| opaque(one) == opaque(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_strong_tags_are_compared_weakly() {
        let tag = tag(b"x");
        let strong = tag.trim_start_matches("W/");
        for list in [
            "*",
            " * ",
            &tag,
            strong,
            &format!("\"other\", {tag}"),
            &format!("W/\"a,b\",{strong} , \"z\""),
        ] {
            assert!(contains(list, &tag), "{list}");
        }
        for list in ["", "\"other\"", "\"*\"", strong.trim_matches('"'), "W/"] {
            assert!(!contains(list, &tag), "{list}");
        }
    }
}
