//! What makes a job the only active one of its kind.

use sha2::{Digest as _, Sha256};

use super::SpiderName;
use crate::hex;

/// Digest of a unique value: while a pending or running job of the project has it, no
/// second one is taken. 32 hexadecimal characters, whatever the user's value was.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UniqueKey(String);

impl UniqueKey {
    /// Of a push's `unique` value (`docs/contract.md`, 4).
    #[must_use]
    pub fn of_value(value: &str) -> Self {
        Self::digest(b"value", [value])
    }

    /// Of a scheduled job: the same spider with the same arguments (`docs/contract.md`, 3).
    /// `args` in the order of their names; `command` is what tells two runs of a script apart.
    #[must_use]
    pub fn of_schedule<'a>(
        spider: &'a SpiderName,
        args: impl IntoIterator<Item = (&'a str, &'a str)>,
        command: Option<&'a str>,
    ) -> Self {
        let parts = [spider.as_str(), command.unwrap_or_default()];
        let args = args.into_iter().flat_map(|(name, value)| [name, value]);
        Self::digest(b"schedule", parts.into_iter().chain(args))
    }

    /// As a store kept it.
    #[must_use]
    pub const fn stored(digest: String) -> Self {
        Self(digest)
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn digest<'a>(kind: &[u8], parts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut hash = Sha256::new();
        hash.update(kind);
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(hex(&hash.finalize()[..16]))
    }
}
