//! Options of every listener, whatever it serves: connection limits, TLS, CORS and the times
//! of a shutdown.

use std::{path::PathBuf, sync::Arc, time::Duration};

use axum::http::HeaderName;
use spiderq_gateway::{BasePath, PageOptions};
use tower_http::cors::CorsLayer;

use crate::{
    certificates::Certificates, cors, error::Error, listen::Limits, trusted_user::TrustedUser,
};

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
    /// The path under which clients see this server, where a proxy does not take it away.
    pub base_path: BasePath,
    /// The web page, where HTTP is served; `None`: there is none, and sessions of browsers count for
    /// nothing.
    pub page: Option<Page>,
    /// Whose header is believed to name users; `None`: nobody's. A gateway alone knows none.
    pub trusted_user: Option<TrustedUser>,
    /// How long a shutdown goes on taking calls while health and readiness already say no.
    pub lame_duck: Duration,
    /// How long a shutdown then waits for the requests under way.
    pub drain: Duration,
}

/// How the web page is served.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// A folder whose files are read at each request, for development; `None`: those of the program.
    pub folder: Option<PathBuf>,
}

/// The PEM files of a TLS server. They are read again when they change.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate and those that lead to its authority, in this order.
    pub cert: PathBuf,
    /// The private key of the first certificate, not encrypted.
    pub key: PathBuf,
    /// The authorities of clients' certificates; without it none is asked for.
    pub client_ca: Option<PathBuf>,
    /// Whether a client needs a certificate.
    pub client_auth: ClientAuth,
}

/// Whether a client needs a certificate, where its authorities are given. It does not replace an
/// API key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuth {
    /// The handshake fails without one.
    #[default]
    Required,
    /// The handshake fails with one that is not valid.
    Optional,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            tls: None,
            cors_origins: Vec::new(),
            log_requests: false,
            base_path: BasePath::default(),
            page: Some(Page::default()),
            trusted_user: None,
            lame_duck: Duration::ZERO,
            drain: Duration::from_secs(10),
        }
    }
}

/// What a [`Network`] becomes once its files are read and its origins parsed.
pub(crate) struct Prepared {
    pub(crate) tls: Option<Arc<Certificates>>,
    pub(crate) cors: Option<CorsLayer>,
    /// That of [`Network::trusted_user`].
    pub(crate) user_header: Option<HeaderName>,
}

impl Network {
    /// An error where files can't be read or origins are none, as [`start`](crate::start) would
    /// say after the store is opened.
    pub fn check(&self) -> Result<(), Error> {
        self.prepare().map(|_| ())
    }

    pub(crate) fn prepare(&self) -> Result<Prepared, Error> {
        let folder = self.page.as_ref().and_then(|page| page.folder.as_deref());
        if let Some(folder) = folder.filter(|folder| !folder.join("index.html").is_file()) {
            let problem = format!("{} has no file index.html", folder.display());
            return Err(Error::option("web-dir", problem));
        }
        let tls = self.tls.clone().map(Certificates::load).transpose()?;
        let user_header = self.trusted_user.as_ref().map(TrustedUser::prepare).transpose()?;
        Ok(Prepared { tls, cors: cors::layer(&self.cors_origins)?, user_header })
    }

    pub(crate) fn page_options(&self) -> Option<PageOptions> {
        let page = self.page.clone()?;
        Some(PageOptions { folder: page.folder, base: self.base_path.clone() })
    }

    pub(crate) const fn scheme(&self) -> &'static str {
        match self.tls {
            Some(_) => "https",
            None => "http",
        }
    }
}
