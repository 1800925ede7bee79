//! Why a runner ended before it was asked to.

use std::fmt;

/// Why a runner ended before it was asked to.
#[derive(Debug)]
pub enum RunnerError {
    /// A setting cannot be used.
    Option {
        /// Its name on the command line, without `--`.
        option: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// Anything else.
    Failed(String),
}

impl RunnerError {
    pub(crate) const fn option(option: &'static str, problem: String) -> Self {
        Self::Option { option, problem }
    }
}

impl fmt::Display for RunnerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Option { option, problem } => write!(f, "{option}: {problem}"),
            Self::Failed(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for RunnerError {}
