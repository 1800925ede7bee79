//! Carries the caller's credentials into the metadata of the gRPC call. Judges nothing:
//! every service authenticates by itself. Credentials are never logged from here.

use http::{HeaderMap, header::AUTHORIZATION};
use tonic::metadata::{Ascii, MetadataValue};

/// The `authorization` of the call: the header as it came, or else `?apikey=` as a bearer.
pub(crate) fn credentials(
    headers: &HeaderMap,
    apikey: Option<&str>,
) -> Option<MetadataValue<Ascii>> {
    let mut value = match (headers.get(AUTHORIZATION), apikey) {
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
    fn the_header_goes_before_the_parameter() {
        let mut headers = HeaderMap::new();
        assert_eq!(credentials(&headers, None), None);
        assert_eq!(credentials(&headers, Some("K")).unwrap(), "Bearer K");
        headers.insert(AUTHORIZATION, "Basic SzpL".parse().unwrap());
        assert_eq!(credentials(&headers, Some("K")).unwrap(), "Basic SzpL");
    }

    #[test]
    fn a_key_that_no_header_can_hold_is_no_credential() {
        assert_eq!(credentials(&HeaderMap::new(), Some("a\nb")), None);
    }
}
