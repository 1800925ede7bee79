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

use crate::{error::Error, network::TlsFiles};

/// Must be called before anything speaks TLS, clients included: their crates bring no provider
/// of cryptography. Further calls do nothing.
pub fn install_crypto_provider() {
    // An error means that there is one already.
    let _ = ring::default_provider().install_default();
}

/// Offers HTTP/2 first, then HTTP/1.1, and asks clients for no certificate.
pub(crate) fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, Error> {
    let bad_cert = |why| unusable("tls-cert", &files.cert, why);
    let bad_key = |why| unusable("tls-key", &files.key, why);
    let chain = CertificateDer::pem_file_iter(&files.cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| bad_cert(error.to_string()))?;
    if chain.is_empty() {
        return Err(bad_cert("it holds no certificate".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key);
    let key = key.map_err(|error| bad_key(error.to_string()))?;
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| bad_key(error.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn unusable(option: &'static str, path: &Path, why: String) -> Error {
    Error::option(option, format!("can't use {}: {why}", path.display()))
}

/// A gRPC client's endpoint at `url`, the value of `option`. `https://` needs a certificate of a
/// public authority, or of one in the file `ca` (PEM).
pub fn client_endpoint(
    url: &str,
    option: &'static str,
    ca: Option<&Path>,
) -> Result<Endpoint, Error> {
    let failed = |_| Error::option(option, "must be a URL like http://127.0.0.1:6900");
    let endpoint = Endpoint::from_shared(url.to_owned()).map_err(failed)?;
    if endpoint.uri().scheme_str() != Some("https") {
        return Ok(endpoint);
    }
    let trust = match ca {
        None => ClientTlsConfig::new().with_webpki_roots(),
        Some(path) => {
            let pem = fs::read(path).map_err(|error| {
                Error::option("tls-ca", format!("can't read {}: {error}", path.display()))
            })?;
            ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem))
        }
    };
    let failed = |error| Error::option("tls-ca", format!("can't be used: {error}"));
    endpoint.tls_config(trust).map_err(failed)
}
