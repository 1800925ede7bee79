//! Options of every listener, whatever it serves: connection limits, TLS, CORS and the times
//! of a shutdown.

use std::{path::PathBuf, time::Duration};

use tokio_rustls::TlsAcceptor;
use tower_http::cors::CorsLayer;

use crate::{cors, error::Error, listen::Limits, tls};

/// Options of a listener. The default serves plain HTTP without CORS and drains for 10 s.
#[derive(Clone, Debug)]
pub struct Network {
    /// How much a connection may use, and how long each of its steps may take.
    pub limits: Limits,
    /// With it, only TLS is served.
    pub tls: Option<TlsFiles>,
    /// Web origins whose pages may call, or `*`; without any, CORS is off.
    pub cors_origins: Vec<String>,
    /// Whether to log each request.
    pub log_requests: bool,
    /// How long a shutdown goes on taking calls while health and readiness already say no.
    pub lame_duck: Duration,
    /// How long a shutdown then waits for the requests under way.
    pub drain: Duration,
}

/// The PEM files of a TLS server.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate and those that lead to its authority, in this order.
    pub cert: PathBuf,
    /// The private key of the first certificate, not encrypted.
    pub key: PathBuf,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            tls: None,
            cors_origins: Vec::new(),
            log_requests: false,
            lame_duck: Duration::ZERO,
            drain: Duration::from_secs(10),
        }
    }
}

/// What a [`Network`] becomes once its files are read and its origins parsed.
pub(crate) struct Prepared {
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) cors: Option<CorsLayer>,
}

impl Network {
    pub(crate) fn prepare(&self) -> Result<Prepared, Error> {
        let tls = self.tls.as_ref().map(tls::acceptor).transpose()?;
        Ok(Prepared { tls, cors: cors::layer(&self.cors_origins)? })
    }

    pub(crate) const fn scheme(&self) -> &'static str {
        match self.tls {
            Some(_) => "https",
            None => "http",
        }
    }
}
