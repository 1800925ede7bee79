//! Flags of clients: which server they call, whose certificate they trust, and their own.

use std::path::PathBuf;

use clap::Args;
use spiderq_server::ClientTls;
use tonic::transport::Endpoint;

use crate::error::Error;

#[derive(Args, Clone, Debug)]
pub(crate) struct Connection {
    /// The server to call.
    #[arg(
        long,
        env = "SPIDERQ_SERVER",
        default_value = "http://127.0.0.1:6900",
        value_name = "URL",
        global = true
    )]
    pub(crate) server: String,
    #[command(flatten)]
    pub(crate) authorities: Authorities,
}

impl Connection {
    pub(crate) fn endpoint(&self) -> Result<Endpoint, Error> {
        let tls = self.authorities.client_tls();
        Ok(spiderq_server::client_endpoint(&self.server, "server", &tls)?)
    }
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Authorities {
    /// Certificate authorities to trust for an https:// server (PEM file). Default: the public
    /// ones.
    #[arg(long, env = "SPIDERQ_TLS_CA", value_name = "FILE", global = true)]
    tls_ca: Option<PathBuf>,
    /// Our own certificate (PEM file), for a server with --tls-client-ca.
    #[arg(
        long,
        env = "SPIDERQ_TLS_CLIENT_CERT",
        value_name = "FILE",
        global = true,
        requires = "tls_client_key"
    )]
    tls_client_cert: Option<PathBuf>,
    /// Private key of our own certificate (PEM file).
    #[arg(
        long,
        env = "SPIDERQ_TLS_CLIENT_KEY",
        value_name = "FILE",
        global = true,
        requires = "tls_client_cert"
    )]
    tls_client_key: Option<PathBuf>,
}

impl Authorities {
    pub(crate) fn client_tls(&self) -> ClientTls {
        let identity = self.tls_client_cert.clone().zip(self.tls_client_key.clone());
        ClientTls { ca: self.tls_ca.clone(), identity }
    }
}
