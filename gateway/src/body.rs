//! Reads the body of a request whole, within the limit of its size.

use std::{error::Error, io, iter};

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_ENCODING};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::errors::Problem;

/// Refuses a body that is still encoded: decompression has removed the header of what it knows.
pub(crate) fn check_encoding(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"identity") => Ok(()),
        Some(_) => {
            let code = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            Err(Problem::of_field(code, "Content-Encoding", "must be gzip or identity"))
        }
    }
}

/// `limit` is in bytes, after decompression.
pub(crate) async fn read(body: Body, limit: usize) -> Result<Bytes, Problem> {
    let error = match Limited::new(body, limit).collect().await {
        Ok(body) => return Ok(body.to_bytes()),
        Err(error) => error,
    };
    let (code, message) = if error.is::<LengthLimitError>() {
        (StatusCode::PAYLOAD_TOO_LARGE, format!("must be at most {limit} bytes"))
    } else if let Some(timeout) = find_timeout(&*error) {
        (StatusCode::REQUEST_TIMEOUT, timeout.to_string())
    } else {
        (StatusCode::BAD_REQUEST, "could not be read or decompressed".to_owned())
    };
    Err(Problem::of_field(code, "body", message))
}

/// The I/O error of kind `TimedOut` among an error and its sources: with one, the listener ends
/// a body that has stopped arriving.
pub fn find_timeout<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a io::Error> {
    iter::successors(Some(error), |&error| error.source())
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .find(|error| error.kind() == io::ErrorKind::TimedOut)
}
