//! Carries the caller's credentials into the metadata of the gRPC call. Every service
//! authenticates by itself, so nothing is checked here. Credentials are never logged.

use std::sync::{Arc, OnceLock};

use http::{HeaderMap, header::AUTHORIZATION, request::Parts};
use tonic::metadata::{Ascii, MetadataValue};

use crate::params::Params;

pub(crate) type Credentials = MetadataValue<Ascii>;

/// The parameter that an API key may be in.
pub(crate) const API_KEY: &str = "apikey";

/// The credentials of one request, once they are found. Travels in the request's extensions: the
/// handler finds those in a form, and a refusal is not sent before they are checked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Presented(Arc<OnceLock<Credentials>>);

impl Presented {
    /// Those in header and query.
    pub(crate) fn of(head: &Parts) -> Self {
        let presented = Self::default();
        let mut query = Params::parse(head.uri.query().unwrap_or_default().as_bytes());
        presented.add(credentials(&head.headers, query.take(API_KEY).as_deref()));
        presented
    }

    /// Where there are some already, they stay.
    pub(crate) fn add(&self, credentials: Option<Credentials>) {
        if let Some(credentials) = credentials {
            let _ = self.0.set(credentials);
        }
    }

    pub(crate) fn get(&self) -> Option<&Credentials> {
        self.0.get()
    }
}

/// The `authorization` of the call: the header as it came, or else `api_key` as a bearer token.
pub(crate) fn credentials(headers: &HeaderMap, api_key: Option<&str>) -> Option<Credentials> {
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
