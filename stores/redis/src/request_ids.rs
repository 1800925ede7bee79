//! Request ids: how scripts get them, and the answers that they keep under them.

use serde::{Serialize, de::DeserializeOwned};
use spiderq_core::{
    error::{Error, Result},
    model::Millis,
    store::RequestDigest,
};

use crate::error::bad_reply;

#[derive(Serialize)]
pub(crate) struct RequestIdArg<'a> {
    fingerprint: &'a str,
    /// How long the answer is kept, ms: relative, since the caller's clock is not that of Redis.
    ttl: u64,
}

impl<'a> RequestIdArg<'a> {
    pub(crate) fn new(request: Option<&'a RequestDigest>, now: Millis) -> Option<Self> {
        request.map(|request| Self {
            fingerprint: &request.fingerprint,
            ttl: request.expires.0.saturating_sub(now.0).max(1),
        })
    }
}

/// A script's packed answer, its own or the one that was kept. It is empty where the id was used
/// for another request.
pub(crate) fn unpack_answer<T: DeserializeOwned>(packed: &[u8]) -> Result<T> {
    if packed.is_empty() {
        return Err(Error::RequestIdReused);
    }
    rmp_serde::from_slice(packed).map_err(bad_reply)
}
