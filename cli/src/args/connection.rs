//! Flags of clients: which server they call, and whose certificate they trust.

use std::path::PathBuf;

use clap::Args;
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
        let ca = self.authorities.tls_ca.as_deref();
        Ok(spiderq_server::client_endpoint(&self.server, "server", ca)?)
    }
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Authorities {
    /// Certificate authorities to trust for an https:// server (PEM file). Default: the public
    /// ones.
    #[arg(long, env = "SPIDERQ_TLS_CA", value_name = "FILE", global = true)]
    pub(crate) tls_ca: Option<PathBuf>,
}
