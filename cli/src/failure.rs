//! What the person at the terminal is told when a command could not be done.

use std::fmt;

/// Why a command could not be done, for the person at the terminal.
#[derive(Debug)]
pub struct Failure {
    text: String,
    code: u8,
}

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { text, code: 1 }
    }

    /// With another exit code than 1.
    pub(crate) const fn exit(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    /// The exit code of the program.
    #[must_use]
    pub const fn code(&self) -> u8 {
        self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Failure {}
