//! Carries the caller's credentials into the metadata of the gRPC call. Every service
//! authenticates by itself, so nothing is checked here. Credentials are never logged.

use http::{HeaderMap, header::AUTHORIZATION};
use tonic::metadata::{Ascii, MetadataValue};

/// The `authorization` of the call: the header as it came, or else `api_key` as a bearer token.
pub(crate) fn credentials(
    headers: &HeaderMap,
    api_key: Option<&str>,
) -> Option<MetadataValue<Ascii>> {
    let mut value = match (headers.get(AUTHORIZATION), api_key) {
        (Some(header), _) => MetadataValue::try_from(header.as_bytes()).ok()?,
        (None, Some(key)) => MetadataValue::try_from(format!("Bearer {key}")).ok()?,
        (None, None) => return None,
    };
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_takes_precedence_over_the_parameter() {
        let mut headers = HeaderMap::new();
        assert_eq!(credentials(&headers, None), None);
        assert_eq!(credentials(&headers, Some("K")).unwrap(), "Bearer K");
        headers.insert(AUTHORIZATION, "Basic SzpL".parse().unwrap());
        assert_eq!(credentials(&headers, Some("K")).unwrap(), "Basic SzpL");
    }

    #[test]
    fn an_api_key_that_does_not_fit_a_header_is_no_credential() {
        assert_eq!(credentials(&HeaderMap::new(), Some("a\nb")), None);
    }
}
