//! Request ids: a call that is made twice under one id is done once.

use crate::model::Millis;

/// What a store keeps of a call under a request id, beside the answer that it gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestDigest {
    /// Digest of the caller, its request id and the number of the step of the call: 32
    /// hexadecimal characters, one space for each project.
    pub id: String,
    /// Digest of what the call asks for: 32 hexadecimal characters. The same id with another
    /// one is [`Error::RequestIdReused`](crate::error::Error::RequestIdReused).
    pub fingerprint: String,
    /// When the store may forget it: [`REQUEST_ID_TTL_MS`](crate::limits::REQUEST_ID_TTL_MS)
    /// after the call.
    pub expires: Millis,
}
