//! A job's priority and units: small numbers with a range.

use crate::{
    error::{Error, Result},
    limits::{DEFAULT_PRIORITY, DEFAULT_UNITS, MAX_PRIORITY, MAX_UNITS},
};

/// Jobs of higher priority are started first: 0 to [`MAX_PRIORITY`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Priority(u8);

impl Priority {
    /// All of them, highest first.
    pub const ALL: [Self; 5] = [Self(4), Self(3), Self(2), Self(1), Self(0)];

    /// Errors name the field `priority`.
    pub fn new(number: i64) -> Result<Self> {
        match u8::try_from(number) {
            Ok(n) if n <= MAX_PRIORITY => Ok(Self(n)),
            _ => Err(Error::invalid(
                "priority",
                format!("must be an integer from 0 (lowest) to {MAX_PRIORITY} (highest)"),
            )),
        }
    }

    /// Within the range of the type.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl Default for Priority {
    fn default() -> Self {
        Self(DEFAULT_PRIORITY)
    }
}

/// How much of a worker a job takes: 1 to [`MAX_UNITS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Units(u8);

impl Units {
    /// Errors name the field `units`.
    pub fn new(number: i64) -> Result<Self> {
        match u8::try_from(number) {
            Ok(n) if (1..=MAX_UNITS).contains(&n) => Ok(Self(n)),
            _ => Err(Error::invalid("units", format!("must be an integer from 1 to {MAX_UNITS}"))),
        }
    }

    /// Within the range of the type.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl Default for Units {
    fn default() -> Self {
        Self(DEFAULT_UNITS)
    }
}
