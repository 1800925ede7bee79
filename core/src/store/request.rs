//! Request ids: a call that is made twice under one id is done once (DESIGN 3).

use crate::model::Millis;

/// A request as the store keeps it, for [`RequestDigest::KEPT`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestDigest {
    /// Digest of the caller's id and of the part of the request, within the project: 32
    /// hexadecimal characters.
    pub id: String,
    /// Digest of what was asked: 32 hexadecimal characters. The same id with another one
    /// is [`Error::RequestIdReused`](crate::error::Error::RequestIdReused).
    pub fingerprint: String,
    /// When the store may forget it.
    pub expires: Millis,
}

impl RequestDigest {
    /// How long an answer is kept: 24 hours, in ms.
    pub const KEPT: u64 = 24 * 60 * 60 * 1000;
}
