//! Request ids: which record of the store a call under an id is (DESIGN 3).

use sha2::{Digest as _, Sha256};

use crate::{
    error::{Error, Result},
    model::Millis,
    store::RequestKey,
};

/// A caller's id with the digest of all that it asks for.
#[derive(Clone, Debug)]
pub struct RequestId {
    id: String,
    fingerprint: String,
}

impl RequestId {
    /// `None` for an empty id. `call` and `body` are what must be the same when the id
    /// comes again.
    pub fn parse(id: &str, call: &str, body: &[u8]) -> Result<Option<Self>> {
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
            id: id.to_owned(),
            fingerprint: digest(&[call.as_bytes(), b"\0", body]),
        }))
    }

    /// The record of the `part`th atomic step of the call.
    pub(super) fn part(&self, part: usize, now: Millis) -> RequestKey {
        RequestKey {
            id: digest(&[self.id.as_bytes(), b"\0", part.to_string().as_bytes()]),
            fingerprint: self.fingerprint.clone(),
            expires: Millis(now.0 + RequestKey::KEPT),
        }
    }
}

fn digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    let bytes = hash.finalize();
    bytes[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
