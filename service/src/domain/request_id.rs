//! Request ids: how a call under a client's id is recognised when it is made again.

use sha2::{Digest as _, Sha256};

use spiderq_core::{
    error::Result,
    hex,
    limits::{MAX_REQUEST_ID_BYTES, REQUEST_ID_TTL_MS},
    model::{Actor, Millis, short_text},
    store::RequestDigest,
};

/// A client's id for a call, with a digest of all that the call asks for.
#[derive(Clone, Debug)]
pub struct RequestId {
    id: String,
    fingerprint: String,
}

impl RequestId {
    /// `None` for an empty id. Each caller has its own ids: two workers that count from 1 must
    /// not get each other's jobs. `call` and `body` must be the same when the id comes again.
    pub fn parse(id: &str, caller: &Actor, call: &str, body: &[u8]) -> Result<Option<Self>> {
        if id.is_empty() {
            return Ok(None);
        }
        let id = short_text(id, MAX_REQUEST_ID_BYTES, "request_id", "must be")?;
        Ok(Some(Self {
            id: digest(&[caller.as_str().as_bytes(), b"\0", id.as_bytes()]),
            fingerprint: digest(&[call.as_bytes(), b"\0", body]),
        }))
    }

    /// Digest of caller and id, which no store keeps.
    pub(super) fn digest(&self) -> &str {
        &self.id
    }

    /// What the store keeps of the `step`th atomic step of the call.
    pub(super) fn step(&self, step: usize, now: Millis) -> RequestDigest {
        RequestDigest {
            id: digest(&[self.id.as_bytes(), b"\0", step.to_string().as_bytes()]),
            fingerprint: self.fingerprint.clone(),
            expires: Millis(now.0 + REQUEST_ID_TTL_MS),
        }
    }
}

fn digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hex(&hash.finalize()[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_is_bound_to_its_caller_call_and_body() {
        let ann = Actor::parse("ann").unwrap();
        let id = |call, body: &[u8]| RequestId::parse("id", &ann, call, body).unwrap().unwrap();
        let (first, again) = (id("Push", b"a"), id("Push", b"a"));
        assert_eq!(first.step(0, Millis(1)), again.step(0, Millis(1)));
        assert_ne!(first.step(0, Millis(1)).id, first.step(1, Millis(1)).id);
        for other in [id("Push", b"b"), id("Start", b"a")] {
            assert_eq!(other.step(0, Millis(1)).id, first.step(0, Millis(1)).id);
            assert_ne!(other.fingerprint, first.fingerprint);
        }
        let bob = Actor::parse("bob").unwrap();
        let other = RequestId::parse("id", &bob, "Push", b"a").unwrap().unwrap();
        assert_ne!(other.step(0, Millis(1)).id, first.step(0, Millis(1)).id);
        assert!(RequestId::parse("", &ann, "Push", b"a").unwrap().is_none());
        assert!(RequestId::parse(&"x".repeat(129), &ann, "Push", b"a").is_err());
    }
}
