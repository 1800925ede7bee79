//! The form in the body of a dash POST: URL-encoded, a JSON object or the parts of a multipart
//! body. All three become the same parameters (contract 2, request bodies).

mod json;
mod multipart;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};

use crate::{errors::Problem, params::Params};

const URL_ENCODED: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
const MULTIPART: &str = "multipart/form-data";

/// The parameters of a body. What is wrong with it is in them, beside all that could be read, as
/// an API key may be there.
pub(crate) async fn read(headers: &HeaderMap, body: Bytes) -> Params {
    if body.is_empty() {
        return Params::default();
    }
    let content_type =
        headers.get(CONTENT_TYPE).map_or(URL_ENCODED.as_bytes(), HeaderValue::as_bytes);
    let content_type = String::from_utf8_lossy(content_type);
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    match media_type.to_ascii_lowercase().as_str() {
        URL_ENCODED => Params::parse(&body),
        JSON => json::parse(&body),
        MULTIPART => multipart::parse(&content_type, body).await,
        _ => {
            let accepted = format!("must be {URL_ENCODED}, {JSON} or {MULTIPART}");
            refused(Problem::invalid("body", accepted))
        }
    }
}

/// No parameters, but why there are none.
fn refused(problem: Problem) -> Params {
    let mut params = Params::default();
    params.refuse(problem);
    params
}
