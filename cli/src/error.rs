//! Why a command failed, as the person at the terminal reads it.

use std::fmt;

use crate::given;

/// One line for standard error, and the exit code of the process.
#[derive(Debug)]
pub(crate) struct Error {
    text: String,
    exit_code: u8,
}

impl Error {
    /// With exit code 1.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), exit_code: 1 }
    }

    /// Of the option `name`, which the text calls as the user gave it.
    pub(crate) fn option(name: &str, problem: impl fmt::Display) -> Self {
        Self::new(format!("{}: {problem}", given::source(name)))
    }

    pub(crate) const fn with_exit_code(mut self, exit_code: u8) -> Self {
        self.exit_code = exit_code;
        self
    }

    pub(crate) const fn exit_code(&self) -> u8 {
        self.exit_code
    }
}

/// `error` and its direct cause. API callers do not see causes; an operator needs them.
pub(crate) fn with_cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

impl From<spiderq_server::Error> for Error {
    /// Options of the server are flags of the same names here.
    fn from(error: spiderq_server::Error) -> Self {
        match error {
            spiderq_server::Error::Option { option, problem } => Self::option(option, problem),
            spiderq_server::Error::Service(error) => Self::from(error),
            spiderq_server::Error::Listen { .. } => Self::new(with_cause(&error)),
        }
    }
}

impl From<spiderq_core::error::Error> for Error {
    /// Before anything is served, fields that are wrong are options.
    fn from(error: spiderq_core::error::Error) -> Self {
        match error.violations().first() {
            Some(wrong) => Self::option(&wrong.name, &wrong.message),
            None => Self::new(with_cause(&error)),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
