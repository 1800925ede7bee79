//! The secret of an attempt: with it a worker proves that it still holds the job.

use std::fmt;

use crate::error::{Error, Result};

/// 32 hexadecimal characters, new for each attempt. `Debug` shows none of them.
#[derive(Clone, PartialEq, Eq)]
pub struct Fence(String);

impl Fence {
    /// A new one from the system's random source.
    pub fn random() -> Result<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|error| Error::bug(error.to_string()))?;
        Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// Checks the form only: a store compares it with the fence of the job's attempt.
    pub fn parse(text: &str) -> Result<Self> {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == 32 && text.bytes().all(hex) {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::invalid("fence", "must be the fence that StartJob answered"))
    }

    /// The secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fence(…)")
    }
}
