//! Which encoding a response gets. The layer that compresses answers 406 to a client that accepts
//! nothing; but then the work is done already, so such a client gets the response as it is.

use axum::{extract::Request, middleware::Next, response::Response};
use http::{HeaderMap, HeaderValue, header::ACCEPT_ENCODING};

const GZIP: HeaderValue = HeaderValue::from_static("gzip");

/// Leaves `Accept-Encoding: gzip`, or nothing.
pub(crate) async fn reduce(mut request: Request, next: Next) -> Response {
    let prefers_gzip = prefers_gzip(request.headers());
    let headers = request.headers_mut();
    headers.remove(ACCEPT_ENCODING);
    if prefers_gzip {
        headers.insert(ACCEPT_ENCODING, GZIP);
    }
    next.run(request).await
}

/// Whether the client, whose header was reduced, wants gzip.
pub(crate) fn is_gzip(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT_ENCODING) == Some(&GZIP)
}

/// Whether gzip is accepted, and not less than no encoding.
pub(crate) fn prefers_gzip(headers: &HeaderMap) -> bool {
    let (mut gzip, mut identity, mut others) = (None, None, None);
    let lists = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|list| list.to_str().ok());
    for item in lists.flat_map(|list| list.split(',')) {
        let (coding, weight) = item.split_once(';').unwrap_or((item, ""));
        let weight = weight.trim().strip_prefix(['q', 'Q']).map_or(weight.trim(), str::trim_start);
        let weight = match weight.strip_prefix('=') {
            Some(number) => number.trim().parse().unwrap_or(0.0),
            None if weight.is_empty() => 1.0,
            None => 0.0,
        };
        let coding = coding.trim().to_ascii_lowercase();
        match coding.as_str() {
            "gzip" | "x-gzip" => gzip = Some(weight),
            "identity" => identity = Some(weight),
            "*" => others = Some(weight),
            _ => {}
        }
    }
    let gzip: f32 = gzip.or(others).unwrap_or(0.0);
    gzip > 0.0 && gzip >= identity.unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_used_where_it_is_accepted_and_not_disliked() {
        for (header, gzip) in [
            ("gzip", true),
            ("GZIP", true),
            ("br, gzip;q=0.1", true),
            ("*", true),
            ("*;q=0.5, identity;q=0.5", true),
            ("identity;q=0, gzip", true),
            ("", false),
            ("br", false),
            ("gzip;q=0", false),
            ("gzip; q = 0.000", false),
            ("gzip;q=0, *;q=0", false),
            ("gzip;q=0, *", false),
            ("gzip;q=0.5, identity", false),
            ("gzip;level=9", false),
            ("gzip;q=much", false),
        ] {
            let headers = [(ACCEPT_ENCODING, header.parse().unwrap())].into_iter().collect();
            assert_eq!(prefers_gzip(&headers), gzip, "{header}");
        }
        assert!(!prefers_gzip(&HeaderMap::new()));
    }
}
