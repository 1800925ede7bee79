//! Priority and units: small numbers with a range.

use crate::error::{Error, Result};

/// 0 (lowest) to 4 (highest); default 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Priority(u8);

impl Priority {
    /// All of them, highest first.
    pub const ALL: [Self; 5] = [Self(4), Self(3), Self(2), Self(1), Self(0)];

    /// Checks the range.
    pub fn new(number: i64) -> Result<Self> {
        match u8::try_from(number) {
            Ok(n) if n <= 4 => Ok(Self(n)),
            _ => {
                Err(Error::invalid("priority", "must be an integer from 0 (lowest) to 4 (highest)"))
            }
        }
    }

    /// As a number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl Default for Priority {
    fn default() -> Self {
        Self(2)
    }
}

/// 1 to 6; default 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Units(u8);

impl Units {
    /// Checks the range.
    pub fn new(number: i64) -> Result<Self> {
        match u8::try_from(number) {
            Ok(n) if (1..=6).contains(&n) => Ok(Self(n)),
            _ => Err(Error::invalid("units", "must be an integer from 1 to 6")),
        }
    }

    /// As a number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl Default for Units {
    fn default() -> Self {
        Self(1)
    }
}
