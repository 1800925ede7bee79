//! Why a server could not start.

use std::{io, net::SocketAddr};

use spiderq_core::error::Error as ServiceError;

/// Why a server could not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The value of an option cannot be used, or what it demands does not hold.
    #[error("{option}: {problem}")]
    Option {
        /// The option's name, as in `tls-cert`.
        option: &'static str,
        /// What is wrong with it, and what is accepted.
        problem: String,
    },
    /// The address cannot be listened on, for instance because it is in use.
    #[error("can't listen on {address}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The store or the service refuses to start.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl Error {
    pub(crate) fn option(option: &'static str, problem: impl Into<String>) -> Self {
        Self::Option { option, problem: problem.into() }
    }
}
