//! Request ids: which record of the store a call under an id is (DESIGN 3).

use sha2::{Digest as _, Sha256};

use spiderq_core::{
    error::{Error, Result},
    model::{Actor, Millis},
    store::RequestDigest,
};

/// A caller's id with the digest of all that it asks for.
#[derive(Clone, Debug)]
pub struct RequestId {
    id: String,
    fingerprint: String,
}

impl RequestId {
    /// `None` for an empty id. Ids of different callers have nothing to do with each other:
    /// two workers that count from 1 must not get each other's jobs. `call` and `body` are what must be the same when the id
    /// comes again.
    pub fn parse(id: &str, caller: &Actor, call: &str, body: &[u8]) -> Result<Option<Self>> {
        if id.is_empty() {
            return Ok(None);
        }
        if id.len() > 128 || id.chars().any(char::is_control) {
            return Err(Error::invalid(
                "request_id",
                "must be 1 to 128 bytes of text without control characters",
            ));
        }
        Ok(Some(Self {
            id: digest(&[caller.as_str().as_bytes(), b"\0", id.as_bytes()]),
            fingerprint: digest(&[call.as_bytes(), b"\0", body]),
        }))
    }

    /// The record of the `part`th atomic step of the call.
    pub(super) fn part(&self, part: usize, now: Millis) -> RequestDigest {
        RequestDigest {
            id: digest(&[self.id.as_bytes(), b"\0", part.to_string().as_bytes()]),
            fingerprint: self.fingerprint.clone(),
            expires: Millis(now.0 + spiderq_core::limits::REQUEST_ID_TTL_MS),
        }
    }
}

fn digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    let bytes = hash.finalize();
    bytes[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_bound_to_its_call_and_body() {
        let ann = Actor::parse("ann").unwrap();
        let id = |call, body: &[u8]| RequestId::parse("id", &ann, call, body).unwrap().unwrap();
        let (first, again) = (id("Push", b"a"), id("Push", b"a"));
        assert_eq!(first.part(0, Millis(1)), again.part(0, Millis(1)));
        assert_ne!(first.part(0, Millis(1)).id, first.part(1, Millis(1)).id);
        for other in [id("Push", b"b"), id("Start", b"a")] {
            assert_eq!(other.part(0, Millis(1)).id, first.part(0, Millis(1)).id);
            assert_ne!(other.fingerprint, first.fingerprint);
        }
        let bob = Actor::parse("bob").unwrap();
        let other = RequestId::parse("id", &bob, "Push", b"a").unwrap().unwrap();
        assert_ne!(other.part(0, Millis(1)).id, first.part(0, Millis(1)).id);
        assert!(RequestId::parse("", &ann, "Push", b"a").unwrap().is_none());
        assert!(RequestId::parse(&"x".repeat(129), &ann, "Push", b"a").is_err());
    }
}
