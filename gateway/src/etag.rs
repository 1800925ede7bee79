//! Conditional GET (RFC 9110, 13.1.2): an answer carries a weak tag of its body, and a
//! client that names it gets 304 instead.

use axum::response::Response;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
};
use sha2::{Digest as _, Sha256};

use crate::answers::json;

/// Who has it may keep it, alone, and asks each time whether it still holds.
const KEEP: HeaderValue = HeaderValue::from_static("private, no-cache");

/// `body` as JSON with its tag, or that the client has it already.
pub(crate) fn tagged(asked: &HeaderMap, body: String) -> Response {
    let tag = tag(body.as_bytes());
    let known = asked
        .get_all(IF_NONE_MATCH)
        .iter()
        .any(|list| list.to_str().is_ok_and(|list| names(list, &tag)));
    let mut answer = json(if known { String::new() } else { body });
    let headers = answer.headers_mut();
    headers.insert(CACHE_CONTROL, KEEP);
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(ETAG, tag);
    }
    if known {
        headers.remove(CONTENT_TYPE);
        headers.remove(CONTENT_LENGTH);
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
    }
    answer
}

/// Weak, as compression changes the bytes but not what they say.
fn tag(body: &[u8]) -> String {
    let digest = Sha256::digest(body);
    format!("W/\"{}\"", BASE64.encode(&digest[..16]))
}

/// Whether the list of tags names `tag`, compared weakly. Tags may hold commas; ours do not.
fn names(list: &str, tag: &str) -> bool {
    let opaque = |tag: &str| -> String { tag.strip_prefix("W/").unwrap_or(tag).to_owned() };
    let mut each = list.split(',').map(str::trim);
    list.trim() == "*" || each.any(|one| opaque(one) == opaque(tag))
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
            assert!(names(list, &tag), "{list}");
        }
        for list in ["", "\"other\"", "\"*\"", strong.trim_matches('"'), "W/"] {
            assert!(!names(list, &tag), "{list}");
        }
    }
}
