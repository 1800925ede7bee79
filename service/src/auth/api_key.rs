//! API keys and their keyed hashes.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use spiderq_core::{
    error::{Error, Result},
    hex,
    model::Actor,
    store::ApiKeyDigest,
};

/// 32 hexadecimal characters. `Debug` shows none of them.
#[derive(Clone)]
pub struct ApiKey(String);

impl ApiKey {
    /// A new one from the system's random source.
    pub fn random() -> Result<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|error| Error::bug(error.to_string()))?;
        Ok(Self(hex(&bytes)))
    }

    /// `None` for any other text. Upper-case digits count as lower-case ones.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let good = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        good.then(|| Self(text.to_ascii_lowercase()))
    }

    /// The text of the API key: shown once, to its owner.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

/// Hashes API keys with the installation's secret, so that a stolen store reveals none. The time
/// of a look-up by this digest reveals nothing either: without the secret nobody can choose a
/// digest that is close to a stored one.
pub(super) struct ApiKeyHasher {
    digests: Hmac<Sha256>,
    /// Makes the API keys of calls that have a request id.
    requests: Hmac<Sha256>,
}

impl ApiKeyHasher {
    pub(super) fn new(secret: &[u8; 32]) -> Self {
        Self {
            digests: hmac(&[b"api keys ".as_slice(), secret].concat()),
            requests: hmac(&[b"api keys of request ids ".as_slice(), secret].concat()),
        }
    }

    pub(super) fn digest(&self, key: &ApiKey) -> ApiKeyDigest {
        let mut mac = self.digests.clone();
        mac.update(key.expose().as_bytes());
        ApiKeyDigest(hex(&mac.finalize().into_bytes()))
    }

    /// The API key that a caller makes under a request id, always the same one.
    pub(super) fn key_of_request(&self, caller: &Actor, request_id: &str) -> ApiKey {
        let mut mac = self.requests.clone();
        for part in [caller.as_str(), "\0", request_id] {
            mac.update(part.as_bytes());
        }
        ApiKey(hex(&mac.finalize().into_bytes()[..16]))
    }
}

impl fmt::Debug for ApiKeyHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeyHasher(…)")
    }
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
pub(super) fn hmac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("a key of any length")
}
