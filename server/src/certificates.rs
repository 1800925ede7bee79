//! The certificate of a listener, read anew when its files change or when asked to. Files that
//! cannot be used leave the old certificate in place.

use std::{
    fmt, fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    time::{MissedTickBehavior, interval},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
        server::{WebPkiClientVerifier, danger::ClientCertVerifier},
    },
};

use crate::{
    error::Error,
    network::{ClientAuth, TlsFiles},
};

/// How often the files are looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// Shared by the listener and whoever asks for a reload.
pub(crate) struct Certificates {
    files: TlsFiles,
    current: RwLock<TlsAcceptor>,
    asked: Notify,
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").field("files", &self.files).finish_non_exhaustive()
    }
}

/// What tells that a file is another one: its inode, size, and time of change in ns.
type Version = Option<(u64, u64, i64)>;

impl Certificates {
    pub(crate) fn load(files: TlsFiles) -> Result<Arc<Self>, Error> {
        let current = RwLock::new(acceptor(&files)?);
        Ok(Arc::new(Self { files, current, asked: Notify::new() }))
    }

    /// For the next connection.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the files again soon, whether they seem to have changed or not.
    pub(crate) fn reload(&self) {
        self.asked.notify_one();
    }

    /// Reloads until `stop` changes.
    pub(crate) async fn keep_current(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut looks = interval(LOOK_INTERVAL);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut versions = self.versions();
        loop {
            let is_asked = tokio::select! {
                _ = looks.tick() => false,
                () = self.asked.notified() => true,
                _ = stop.changed() => return,
            };
            let found = self.versions();
            if is_asked || found != versions {
                // Files that are still being written are looked at again once they change.
                versions = found;
                self.read_again();
            }
        }
    }

    fn read_again(&self) {
        match acceptor(&self.files) {
            Ok(acceptor) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = acceptor;
                tracing::info!(cert = %self.files.cert.display(), "certificate reloaded");
            }
            Err(error) => tracing::warn!(%error, "certificate not reloaded, the old one stays"),
        }
    }

    fn versions(&self) -> [Version; 3] {
        let version = |path: &Path| {
            let file = fs::metadata(path).ok()?;
            let changed = file.mtime().wrapping_mul(1_000_000_000).wrapping_add(file.mtime_nsec());
            Some((file.ino(), file.size(), changed))
        };
        let TlsFiles { cert, key, client_ca, client_auth: _ } = &self.files;
        [version(cert), version(key), client_ca.as_deref().and_then(version)]
    }
}

/// Offers HTTP/2 first, then HTTP/1.1.
fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, Error> {
    let chain = certificates("tls-cert", &files.cert)?;
    let bad_key = |why| unusable("tls-key", &files.key, why);
    check_permissions(&files.key)?;
    let key = PrivateKeyDer::from_pem_file(&files.key);
    let key = key.map_err(|error| bad_key(error.to_string()))?;
    let builder = ServerConfig::builder();
    let builder = match &files.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => builder.with_client_cert_verifier(client_verifier(path, files.client_auth)?),
    };
    let config = builder.with_single_cert(chain, key);
    let mut config = config.map_err(|error| bad_key(error.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// At least one.
fn certificates(option: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let chain = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unusable(option, path, error.to_string()))?;
    if chain.is_empty() {
        return Err(unusable(option, path, "it holds no certificate".to_owned()));
    }
    Ok(chain)
}

fn client_verifier(path: &Path, auth: ClientAuth) -> Result<Arc<dyn ClientCertVerifier>, Error> {
    let bad = |why: String| unusable("tls-client-ca", path, why);
    let mut roots = RootCertStore::empty();
    for certificate in certificates("tls-client-ca", path)? {
        roots.add(certificate).map_err(|error| bad(error.to_string()))?;
    }
    let builder = WebPkiClientVerifier::builder(Arc::new(roots));
    let builder = match auth {
        ClientAuth::Required => builder,
        ClientAuth::Optional => builder.allow_unauthenticated(),
    };
    builder.build().map_err(|error| bad(error.to_string()))
}

/// Refuses a private key that anyone may replace, and warns of one that anyone may read. (Mounted
/// secrets are often readable for all; whether others are on the machine is not known here.)
fn check_permissions(key: &Path) -> Result<(), Error> {
    let file = fs::metadata(key).map_err(|error| unusable("tls-key", key, error.to_string()))?;
    let mode = file.permissions().mode();
    if mode & 0o002 != 0 {
        return Err(unusable("tls-key", key, "everyone may write to it".to_owned()));
    }
    if mode & 0o024 != 0 {
        let mode = format!("{:o}", mode & 0o777);
        tracing::warn!(key = %key.display(), mode, "others may read or replace the private key");
    }
    Ok(())
}

fn unusable(option: &'static str, path: &Path, why: String) -> Error {
    Error::option(option, format!("can't use {}: {why}", path.display()))
}
