//! The secret of an attempt, with which a worker proves that it still holds the job, and what a
//! store keeps of it.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::{
    error::{Error, Result},
    hex,
};

/// Bytes of a [`FenceSecret`] that [`FenceSecret::kept`] shows: enough that no two attempts of a job
/// have equal ones by chance.
pub const FENCE_NONCE_BYTES: usize = 4;

/// What a worker shows with every write: 32 hexadecimal characters, new for each attempt. `Debug`
/// shows none of them, and no store gets it.
#[derive(Clone, PartialEq, Eq)]
pub struct FenceSecret([u8; 16]);

impl FenceSecret {
    /// The first [`FENCE_NONCE_BYTES`] are no secret: a store keeps them as they are.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// A new one from the system's random source.
    pub fn random() -> Result<Self> {
        random_bytes().map(Self)
    }

    /// Checks the form only: a store compares what is [kept](Self::kept) of it with the fence of the
    /// job's attempt.
    pub fn parse(text: &str) -> Result<Self> {
        let bad = || Error::invalid("fence", "must be the fence that StartJob answered");
        bytes(text).map(Self).ok_or_else(bad)
    }

    /// The text of the secret.
    #[must_use]
    pub fn expose(&self) -> String {
        hex(&self.0)
    }

    /// Its nonce and a digest of the whole. Random as the secret is, the digest needs no key.
    #[must_use]
    pub fn kept(&self) -> Fence {
        let mut kept = self.0;
        let digest = Sha256::new().chain_update(b"fence ").chain_update(self.0).finalize();
        let (_, secret) = kept.split_at_mut(FENCE_NONCE_BYTES);
        secret.iter_mut().zip(digest).for_each(|(byte, digest)| *byte = digest);
        Fence(hex(&kept))
    }
}

impl fmt::Debug for FenceSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FenceSecret(…)")
    }
}

/// What a store keeps of a [`FenceSecret`], and compares: 32 hexadecimal characters, of which the
/// secret can't be found.
#[derive(Clone, PartialEq, Eq)]
pub struct Fence(String);

impl Fence {
    /// That of an attempt whose secret nobody has.
    pub fn random() -> Result<Self> {
        FenceSecret::random().map(|secret| secret.kept())
    }

    /// From the text that a store keeps.
    pub fn parse(text: &str) -> Result<Self> {
        let bad = || Error::invalid("fence", "must be 32 hexadecimal characters");
        bytes(text).map(|_| Self(text.to_owned())).ok_or_else(bad)
    }

    /// The text that a store keeps.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The part that is the secret's own.
    #[must_use]
    pub fn nonce(&self) -> [u8; FENCE_NONCE_BYTES] {
        let mut nonce = [0; FENCE_NONCE_BYTES];
        let whole = bytes(&self.0).unwrap_or_default();
        nonce.copy_from_slice(&whole[..FENCE_NONCE_BYTES]);
        nonce
    }
}

impl fmt::Debug for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fence(…)")
    }
}

fn random_bytes() -> Result<[u8; 16]> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Error::bug(error.to_string()))?;
    Ok(bytes)
}

/// The bytes of 32 lower-case hexadecimal digits.
fn bytes(text: &str) -> Option<[u8; 16]> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let good = text.len() == 32 && text.bytes().all(is_digit);
    let number = good.then(|| u128::from_str_radix(text, 16).ok()).flatten()?;
    Some(number.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_fence_shows_its_nonce_and_no_more_of_it() {
        let text = "00112233445566778899aabbccddeeff";
        let secret = FenceSecret::parse(text).unwrap();
        assert_eq!(secret.expose(), text);
        let kept = secret.kept();
        assert_eq!(kept.nonce(), [0x00, 0x11, 0x22, 0x33]);
        assert_eq!(&kept.expose()[..8], &text[..8]);
        assert_ne!(&kept.expose()[8..], &text[8..]);
        assert_eq!(Fence::parse(kept.expose()).unwrap(), kept);
        // What is kept opens nothing.
        assert_ne!(FenceSecret::parse(kept.expose()).unwrap().kept(), kept);
        let other = FenceSecret::parse("00112233445566778899aabbccddeefe").unwrap();
        assert_ne!(other.kept(), kept);
    }

    #[test]
    fn other_texts_are_no_fences() {
        for text in
            ["", "0", "00112233445566778899AABBCCDDEEFF", "+0112233445566778899aabbccddeeff"]
        {
            assert!(FenceSecret::parse(text).is_err() && Fence::parse(text).is_err(), "{text}");
        }
    }
}
