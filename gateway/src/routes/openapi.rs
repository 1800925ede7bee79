//! GET /openapi.json: the description of every path, which is `gateway/openapi.json`. It needs no
//! API key, as it holds no data and a client may want it before it has a key; so each request must
//! cost next to nothing, and the description is compressed once.

use std::{
    io::{self, Read as _},
    sync::LazyLock,
};

use axum::response::Response;
use bytes::Bytes;
use flate2::{Compression, read::GzEncoder};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CONTENT_ENCODING, VARY},
};

use crate::{etag, middleware::accept_encoding, responses::JSON};

const DESCRIPTION: &str = include_str!("../../openapi.json");

static TAG: LazyLock<String> = LazyLock::new(|| etag::tag(DESCRIPTION.as_bytes()));
/// `None` cannot happen: memory is compressed into memory.
static COMPRESSED: LazyLock<Option<Bytes>> =
    LazyLock::new(|| compress(DESCRIPTION.as_bytes()).ok());

pub(super) async fn openapi(headers: HeaderMap) -> Response {
    let compressed = COMPRESSED.clone().filter(|_| accept_encoding::is_gzip(&headers));
    let is_compressed = compressed.is_some();
    let body = compressed.unwrap_or(Bytes::from_static(DESCRIPTION.as_bytes()));
    let mut response = etag::tagged(JSON, &headers, &TAG, body);
    if is_compressed && response.status() == StatusCode::OK {
        let answered = response.headers_mut();
        answered.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        answered.insert(VARY, HeaderValue::from_static("accept-encoding"));
    }
    response
}

fn compress(text: &[u8]) -> io::Result<Bytes> {
    let mut compressed = Vec::new();
    GzEncoder::new(text, Compression::best()).read_to_end(&mut compressed)?;
    Ok(compressed.into())
}
