//! Making one connection to one server: login, TLS, timeouts. Neither other servers nor retries
//! are known here.

use std::{fmt, fs, path::Path, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, ConnectionAddr, IntoConnectionInfo as _,
    ProtocolVersion, RedisConnectionInfo, RedisResult, TlsCertificates, aio::MultiplexedConnection,
    io::tcp::TcpSettings,
};

use super::{
    reconnecting::{Dial, Pushes},
    url::{Address, Login, TlsFiles, refused},
};
use spiderq_core::error::Result;

/// How long a server may take to answer a command.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long it may take to make a connection, with TLS and login.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long the kernel tries to deliver before it calls the connection dead. It finds a host that
/// has vanished even where every caller has given up earlier.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(5);

/// How to get into the servers of one kind.
#[derive(Clone)]
pub(crate) struct Access {
    settings: RedisConnectionInfo,
    tls: Option<TlsCertificates>,
}

impl Access {
    /// Reads the files that `tls` names.
    pub(crate) fn new(login: &Login, tls: Option<&TlsFiles>, db: u16) -> Result<Self> {
        let mut settings = RedisConnectionInfo::default()
            .set_protocol(ProtocolVersion::RESP3)
            // A trip and a permission less; servers before 7.2 do not know it.
            .set_skip_set_lib_name()
            .set_db(db.into());
        if let Some(user) = &login.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = &login.password {
            settings = settings.set_password(password);
        }
        let tls = tls.map(certificates).transpose()?;
        Ok(Self { settings, tls })
    }

    /// Connects to `address`. `pushes` gets what the connection says by itself.
    pub(crate) async fn connect(
        &self,
        address: &Address,
        pushes: Option<Pushes>,
    ) -> RedisResult<MultiplexedConnection> {
        let tcp = TcpSettings::default().set_nodelay(true);
        #[cfg(target_os = "linux")]
        let tcp = tcp.set_user_timeout(TCP_USER_TIMEOUT);
        let info = self
            .address(address)
            .into_connection_info()?
            .set_tcp_settings(tcp)
            .set_redis_settings(self.settings.clone());
        let client = match (&self.tls, address) {
            (Some(tls), Address::Tcp(..)) => Client::build_with_tls(info, tls.clone())?,
            (None, _) | (_, Address::Unix(_)) => Client::open(info)?,
        };
        let mut config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(RESPONSE_TIMEOUT));
        if let Some(pushes) = pushes {
            config = config.set_push_sender(move |push| pushes(push));
        }
        client.get_multiplexed_async_connection_with_config(&config).await
    }

    fn address(&self, address: &Address) -> ConnectionAddr {
        match address {
            Address::Unix(path) => ConnectionAddr::Unix(path.clone()),
            Address::Tcp(host, port) if self.tls.is_some() => ConnectionAddr::TcpTls {
                host: host.clone(),
                port: *port,
                insecure: false,
                tls_params: None,
            },
            Address::Tcp(host, port) => ConnectionAddr::Tcp(host.clone(), *port),
        }
    }
}

// By hand: passwords and keys must not show.
impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Access(…)")
    }
}

fn certificates(files: &TlsFiles) -> Result<TlsCertificates> {
    // The redis crate takes the process's provider; another part may have installed one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = files.client.as_ref();
    let client_tls = client.map(|(cert, key)| -> Result<_> {
        Ok(ClientTlsConfig {
            client_cert: read("tls_cert", cert)?,
            client_key: read("tls_key", key)?,
        })
    });
    let root_cert = files.ca.as_ref().map(|ca| read("tls_ca", ca));
    Ok(TlsCertificates { client_tls: client_tls.transpose()?, root_cert: root_cert.transpose()? })
}

fn read(name: &str, file: &Path) -> Result<Vec<u8>> {
    let failed = |error| refused(format!("{name}: can't read {}: {error}", file.display()));
    fs::read(file).map_err(failed)
}

/// Always the same server.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) access: Access,
    pub(crate) address: Address,
}

impl Dial for Server {
    async fn dial(&self, pushes: Pushes) -> RedisResult<MultiplexedConnection> {
        self.access.connect(&self.address, Some(pushes)).await
    }

    fn name(&self) -> String {
        self.address.to_string()
    }
}
