//! How a server treats the network: limits, TLS, browsers, and its end.

use std::{path::PathBuf, time::Duration};

use tokio_rustls::TlsAcceptor;

use crate::{args, cors::Cors, failure::Failure, listen::Limits, tls};

/// Settings of everything that listens.
#[derive(Clone, Debug)]
pub struct Network {
    /// Of connections.
    pub limits: Limits,
    /// Serves TLS alone.
    pub tls: Option<TlsFiles>,
    /// Web origins whose pages may call, or `*`; none: CORS is off.
    pub cors_origins: Vec<String>,
    /// How long a stop goes on taking calls while it says already that it ends.
    pub lame_duck: Duration,
    /// How long a stop then waits for requests under way.
    pub drain: Duration,
}

/// PEM files.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The chain of certificates.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            tls: None,
            cors_origins: Vec::new(),
            lame_duck: Duration::ZERO,
            drain: Duration::from_secs(10),
        }
    }
}

impl From<&args::Network> for Network {
    fn from(args: &args::Network) -> Self {
        let files = args.tls_cert.clone().zip(args.tls_key.clone());
        Self {
            limits: Limits {
                connections: args.max_connections.try_into().unwrap_or(usize::MAX),
                idle: Duration::from_secs(args.idle),
                ..Limits::default()
            },
            tls: files.map(|(cert, key)| TlsFiles { cert, key }),
            cors_origins: args.cors_origins.clone(),
            lame_duck: Duration::from_secs(args.lame_duck),
            drain: Duration::from_secs(args.drain),
        }
    }
}

impl Network {
    /// Reads the files and checks what can be wrong.
    pub(crate) fn prepare(&self) -> Result<(Option<TlsAcceptor>, Cors), Failure> {
        let tls = match &self.tls {
            Some(files) => Some(tls::acceptor(&files.cert, &files.key)?),
            None => None,
        };
        Ok((tls, Cors::allow(&self.cors_origins)?))
    }

    pub(crate) fn scheme(&self) -> &'static str {
        match self.tls {
            Some(_) => "https",
            None => "http",
        }
    }
}
