//! A private `redis-server` that speaks only TLS, with a certificate authority of its own.

use std::{fs, path::Path};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;

use crate::{ports::free_port, redis_server::RedisServer};

/// A running server; killed on drop.
#[derive(Debug)]
pub struct RedisTls {
    /// On its unix socket it is open to its administrator.
    pub server: RedisServer,
    port: u16,
    files: TempDir,
}

impl RedisTls {
    /// Starts one that asks its clients for a certificate if `mutual`.
    #[must_use]
    pub fn start(mutual: bool) -> Self {
        Self::of(mutual, "127.0.0.1")
    }

    /// Starts one whose certificate names another host than the one it runs on.
    #[must_use]
    pub fn of_another_host() -> Self {
        Self::of(false, "redis.example")
    }

    fn of(mutual: bool, host: &str) -> Self {
        let files = tempfile::tempdir().expect("a temporary folder");
        certificates(files.path(), host);
        let port = free_port();
        let at = |name: &str| files.path().join(name).display().to_string();
        let options = [
            "--bind".to_owned(),
            "127.0.0.1".to_owned(),
            "--tls-port".to_owned(),
            port.to_string(),
            "--tls-ca-cert-file".to_owned(),
            at("ca.pem"),
            "--tls-cert-file".to_owned(),
            at("server.pem"),
            "--tls-key-file".to_owned(),
            at("server.key"),
            "--tls-auth-clients".to_owned(),
            if mutual { "yes" } else { "no" }.to_owned(),
        ];
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        Self { server: RedisServer::start(&options), port, files }
    }

    /// What `--store` takes, without a client certificate.
    #[must_use]
    pub fn url(&self) -> String {
        let ca = self.files.path().join("ca.pem");
        format!("rediss://127.0.0.1:{}?tls_ca={}", self.port, ca.display())
    }

    /// The same with the client's certificate.
    #[must_use]
    pub fn mutual_url(&self) -> String {
        let at = |name: &str| self.files.path().join(name).display().to_string();
        let (cert, key) = (at("client.pem"), at("client.key"));
        format!("{}&tls_cert={cert}&tls_key={key}", self.url())
    }

    /// The same, trusting only the public authorities.
    #[must_use]
    pub fn untrusting_url(&self) -> String {
        format!("rediss://127.0.0.1:{}", self.port)
    }
}

/// An authority, and the certificates that it gave the server at `host` and a client.
fn certificates(folder: &Path, host: &str) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, "authority");
    let key = KeyPair::generate().expect("a key");
    let authority = CertifiedIssuer::self_signed(authority, key).expect("an authority");
    fs::write(folder.join("ca.pem"), authority.pem()).expect("a file");
    for (name, subject) in [("server", host), ("client", "spiderq")] {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new([subject.to_owned()]).expect("a subject");
        // OpenSSL takes a certificate with the name of its issuer for self-signed.
        params.distinguished_name.push(DnType::CommonName, name);
        let certificate = params.signed_by(&key, &authority).expect("a certificate");
        fs::write(folder.join(format!("{name}.pem")), certificate.pem()).expect("a file");
        let key_file = folder.join(format!("{name}.key"));
        fs::write(key_file, key.serialize_pem()).expect("a file");
    }
}
