//! TLS: the certificate of a listener, the authorities that clients trust, and the one
//! provider of cryptography of the process.

use std::{fs, path::Path, sync::Arc};

use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};

use crate::failure::Failure;

/// Must come before anything that speaks TLS: the crates of our clients bring no provider.
/// May be called again.
pub(crate) fn install_provider() {
    // An error means that there is one already.
    let _ = ring::default_provider().install_default();
}

/// Serves with the chain of certificates in `cert` and its private key in `key`, both PEM.
pub(crate) fn acceptor(cert: &Path, key: &Path) -> Result<TlsAcceptor, Failure> {
    let bad = |flag: &str, path: &Path, why: String| {
        Failure::new(format!("--{flag}: can't use {}: {why}", path.display()))
    };
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| bad("tls-cert", cert, error.to_string()))?;
    if chain.is_empty() {
        return Err(bad("tls-cert", cert, "it holds no certificate".to_owned()));
    }
    let secret = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| bad("tls-key", key, error.to_string()))?;
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(|error| bad("tls-key", key, error.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// A client's endpoint, over TLS where its URL says so: `https://` needs a certificate of a
/// public authority, or of one in the file `ca` (PEM).
pub(crate) fn endpoint(url: &str, flag: &str, ca: Option<&Path>) -> Result<Endpoint, Failure> {
    let failed = || Failure::new(format!("--{flag}: must be a URL like http://127.0.0.1:6900"));
    let endpoint = Endpoint::from_shared(url.to_owned()).map_err(|_| failed())?;
    if endpoint.uri().scheme_str() != Some("https") {
        return Ok(endpoint);
    }
    let trust = match ca {
        None => ClientTlsConfig::new().with_webpki_roots(),
        Some(path) => {
            let pem = fs::read(path).map_err(|error| {
                Failure::new(format!("--tls-ca: can't read {}: {error}", path.display()))
            })?;
            ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem))
        }
    };
    endpoint
        .tls_config(trust)
        .map_err(|error| Failure::new(format!("--tls-ca: can't be used: {error}")))
}
