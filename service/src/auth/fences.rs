//! The fences of attempts. One of a call with a request id is made of that id, so that the call can
//! be answered again, though no store has its text.

use std::fmt;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::{TokenSecrets, api_key::hmac};
use spiderq_core::{
    error::Result,
    model::{FENCE_NONCE_BYTES, Fence, FenceSecret},
};

/// Makes fences with the secrets that sign job tokens.
pub struct Fences {
    current: Hmac<Sha256>,
    previous: Option<Hmac<Sha256>>,
}

impl Fences {
    pub(super) fn new(secrets: &TokenSecrets) -> Self {
        let key = |secret: &[u8]| hmac(&[b"fences of request ids ".as_slice(), secret].concat());
        Self { current: key(secrets.current()), previous: secrets.previous().map(key) }
    }

    /// A new fence for a call with this request id, if it has one. Each time another: an id that is
    /// used again after a day must not get the fence of an attempt before.
    pub fn new_secret(&self, request_id: Option<&str>) -> Result<FenceSecret> {
        let random = FenceSecret::random()?;
        let nonce = random.kept().nonce();
        Ok(request_id.map_or(random, |id| made(&self.current, id, nonce)))
    }

    /// The fence of which a store keeps `kept` since an earlier call with this request id; `None`
    /// where it was not made of that id with a secret that is still in use.
    #[must_use]
    pub fn again(&self, request_id: &str, kept: &Fence) -> Option<FenceSecret> {
        let keys = [Some(&self.current), self.previous.as_ref()].into_iter().flatten();
        let mut secrets = keys.map(|key| made(key, request_id, kept.nonce()));
        secrets.find(|secret| secret.kept() == *kept)
    }
}

fn made(key: &Hmac<Sha256>, request_id: &str, nonce: [u8; FENCE_NONCE_BYTES]) -> FenceSecret {
    let mut mac = key.clone();
    mac.update(&nonce);
    mac.update(request_id.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&mac.finalize().into_bytes()[..16]);
    bytes[..FENCE_NONCE_BYTES].copy_from_slice(&nonce);
    FenceSecret::new(bytes)
}

impl fmt::Debug for Fences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fences(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fences(secrets: &str) -> Fences {
        Fences::new(&TokenSecrets::parse(secrets).unwrap())
    }

    #[test]
    fn a_fence_of_a_request_id_is_found_again_with_the_id_and_the_secret() {
        let old = fences("an old secret of tokens");
        let secret = old.new_secret(Some("id")).unwrap();
        let kept = secret.kept();
        assert_eq!(old.again("id", &kept), Some(secret.clone()));
        assert_eq!(old.again("other", &kept), None);
        let both = fences("a new secret of tokens\nan old secret of tokens");
        assert_eq!(both.again("id", &kept), Some(secret));
        assert_eq!(fences("a new secret of tokens").again("id", &kept), None);
    }

    #[test]
    fn no_two_fences_are_equal() {
        let fences = fences("a secret of some tokens");
        let new = |id| fences.new_secret(id).unwrap().expose();
        assert_ne!(new(Some("id")), new(Some("id")));
        assert_ne!(new(None), new(None));
    }
}
