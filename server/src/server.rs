//! A server that listens, and its shutdown: it first reports that it will stop, then takes no
//! more calls, then waits for those under way.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::Router;
use spiderq_core::MemoryBudget;
use spiderq_gateway as gateway;
use spiderq_service::{Health, Service, Upkeep};
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::watch,
    task::JoinHandle,
    time::timeout,
};

use crate::{
    app::{App, GrpcServices},
    certificates::Certificates,
    error::Error,
    health,
    listen::{self, ConnectionContext},
    network::{Network, Prepared},
    trusted_user::{Sign, Users},
};

/// Connections that the system queues until they are accepted. In a burst beyond it, a client
/// waits seconds until its system tries again. The system may allow fewer.
const ACCEPT_BACKLOG: u32 = 4096;

/// Set once, when the shutdown begins.
#[derive(Clone, Debug, Default)]
pub(crate) struct ShutdownFlag(Arc<AtomicBool>);

impl ShutdownFlag {
    fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a shutdown must do to the service behind the listener.
#[derive(Debug)]
pub(crate) struct ServiceHandles {
    pub(crate) service: Service,
    pub(crate) health: Health,
    pub(crate) upkeep: Upkeep,
}

/// A server that listens. Dropping it begins a shutdown that nobody waits for.
#[derive(Debug)]
pub struct Server {
    /// The address it is bound to; its port is never 0.
    pub address: SocketAddr,
    /// How clients on this machine reach it: `http://ADDRESS`, or `https://` with TLS.
    pub url: String,
    handles: Option<ServiceHandles>,
    network: Network,
    certificates: Option<Arc<Certificates>>,
    shutdown: ShutdownFlag,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Server {
    /// The admin key that was made because the store had none. It is stored as a hash only:
    /// nobody can read it later.
    #[must_use]
    pub fn first_key(&self) -> Option<&str> {
        let key = self.handles.as_ref()?.service.first_key()?;
        Some(key.expose())
    }

    /// Reads the certificate files again soon, as they are also whenever they change.
    pub fn reload_certificates(&self) {
        if let Some(certificates) = &self.certificates {
            certificates.reload();
        }
    }

    /// Reports unhealthy and takes calls for the lame-duck time; then stops accepting, gives the
    /// calls under way the drain time, and returns when everything is closed.
    pub async fn shutdown(mut self) {
        self.shutdown.set();
        if let Some(handles) = &self.handles {
            handles.health.set(false).await;
        }
        // The task does not end by itself: this waits for the whole lame-duck time.
        let _ = timeout(self.network.lame_duck, &mut self.task).await;
        // Calls that wait for a job or an event would use up the drain time.
        if let Some(handles) = &self.handles {
            handles.service.stop();
        }
        // An error means that the task has ended already.
        let _ = self.stop.send(true);
        let _ = self.task.await;
        if let Some(handles) = self.handles {
            handles.upkeep.end().await;
        }
    }
}

/// A bound listener whose connections wait in the backlog until it is served.
pub(crate) struct BoundListener {
    listener: TcpListener,
    address: SocketAddr,
    url: String,
    public_url: String,
    network: Network,
    prepared: Prepared,
}

impl BoundListener {
    /// Checks everything in `network` that can be wrong, then binds. Without a `public_url` clients
    /// are taken to use the address itself.
    pub(crate) fn bind(
        address: SocketAddr,
        network: Network,
        public_url: Option<String>,
    ) -> Result<Self, Error> {
        let prepared = network.prepare()?;
        let failed = |source| Error::Listen { address, source };
        let listener = listen_on(address).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let url = format!("{}://{address}", network.scheme());
        let public_url = public_url.unwrap_or_else(|| url.clone());
        Ok(Self { listener, address, url, public_url, network, prepared })
    }

    pub(crate) const fn has_page(&self) -> bool {
        self.network.page.is_some()
    }

    pub(crate) fn gateway_options(
        &self,
        max_body: usize,
        memory: MemoryBudget,
    ) -> gateway::Options {
        gateway::Options {
            public_url: self.public_url.clone(),
            max_body,
            memory,
            allowed_origins: self.network.cors_origins.clone(),
            timeout: self.network.limits.response_timeout,
            page: self.network.page_options(),
        }
    }

    /// Those whom proxies name.
    fn users(&self, service: &Service) -> Option<Users> {
        let header = self.prepared.user_header.clone()?;
        let proxies = &self.network.trusted_user.as_ref()?.proxies;
        let service = service.clone();
        let sign: Sign = Arc::new(move |name| service.user_session(name).ok());
        Some(Users::new(header, proxies, sign))
    }

    /// Serves `grpc`, `http` and the health paths until [`Server::shutdown`].
    pub(crate) fn serve(
        self,
        grpc: Option<GrpcServices>,
        http: Router,
        (check, authenticate): (health::Check, health::Authenticate),
        handles: Option<ServiceHandles>,
    ) -> Server {
        let shutdown = ShutdownFlag::default();
        let http = health::routes(check, authenticate, shutdown.clone()).merge(http);
        let limits = self.network.limits.clone();
        let (stop, stopped) = watch::channel(false);
        let users = handles.as_ref().and_then(|handles| self.users(&handles.service));
        let allowed = self.network.cors_origins.clone();
        let origins = gateway::Origins { public_url: self.public_url, allowed };
        let app = App::new(grpc, http, self.prepared.cors, origins, &limits, &stopped)
            .taking_sessions(self.network.page.is_some())
            .with_users(users);
        let certificates = self.prepared.tls;
        if let Some(certificates) = certificates.clone() {
            tokio::spawn(certificates.keep_current(stopped.clone()));
        }
        let context = ConnectionContext::new(app, certificates.clone(), limits)
            .logging_requests(self.network.log_requests)
            .under(self.network.base_path.clone());
        let task = listen::serve(self.listener, context, stopped, self.network.drain);
        Server {
            address: self.address,
            url: self.url,
            handles,
            network: self.network,
            certificates,
            shutdown,
            stop,
            task: tokio::spawn(task),
        }
    }
}

fn listen_on(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A restart must not wait for the last run's connections in TIME_WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(ACCEPT_BACKLOG)
}
