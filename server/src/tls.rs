//! TLS: the authorities that our clients trust, and the one provider of cryptography of the
//! process.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tokio_rustls::rustls::crypto::ring;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};

use crate::error::Error;

/// Must be called before anything speaks TLS, clients included: their crates bring no provider
/// of cryptography. Further calls do nothing.
pub fn install_crypto_provider() {
    // An error means that there is one already.
    let _ = ring::default_provider().install_default();
}

/// The PEM files of a TLS client.
#[derive(Clone, Debug, Default)]
pub struct ClientTls {
    /// The authorities that a server's certificate is checked against; default: the public ones.
    pub ca: Option<PathBuf>,
    /// Our own certificate and its private key, for a server that asks for one.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// A gRPC client's endpoint at `url`, the value of `option`. `https://` needs a certificate of an
/// authority that `tls` trusts.
pub fn client_endpoint(
    url: &str,
    option: &'static str,
    tls: &ClientTls,
) -> Result<Endpoint, Error> {
    let failed = |_| Error::option(option, "must be a URL like http://127.0.0.1:6900");
    let endpoint = Endpoint::from_shared(url.to_owned()).map_err(failed)?;
    if endpoint.uri().scheme_str() != Some("https") {
        return Ok(endpoint);
    }
    let mut config = match &tls.ca {
        None => ClientTlsConfig::new().with_webpki_roots(),
        Some(path) => {
            ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read("tls-ca", path)?))
        }
    };
    if let Some((cert, key)) = &tls.identity {
        let (cert, key) = (read("tls-client-cert", cert)?, read("tls-client-key", key)?);
        config = config.identity(Identity::from_pem(cert, key));
    }
    let option = if tls.identity.is_some() { "tls-client-cert" } else { "tls-ca" };
    let failed = |error| Error::option(option, format!("can't be used: {error}"));
    endpoint.tls_config(config).map_err(failed)
}

fn read(option: &'static str, path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |error| Error::option(option, format!("can't read {}: {error}", path.display()));
    fs::read(path).map_err(failed)
}
