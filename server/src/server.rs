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
use spiderq_gateway as gateway;
use spiderq_service::{Health, Service, Upkeep};
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::watch,
    task::JoinHandle,
    time::timeout,
};
use tonic::service::Routes;

use crate::{
    app::App,
    error::Error,
    health,
    listen::{self, ConnectionContext},
    network::{Network, Prepared},
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
    network: Network,
    prepared: Prepared,
}

impl BoundListener {
    /// Checks everything in `network` that can be wrong, then binds.
    pub(crate) fn bind(address: SocketAddr, network: Network) -> Result<Self, Error> {
        let prepared = network.prepare()?;
        let failed = |source| Error::Listen { address, source };
        let listener = listen_on(address).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let url = format!("{}://{address}", network.scheme());
        Ok(Self { listener, address, url, network, prepared })
    }

    pub(crate) fn gateway_options(
        &self,
        public_url: Option<String>,
        max_body: usize,
    ) -> gateway::Options {
        let public_url = public_url.unwrap_or_else(|| self.url.clone());
        gateway::Options { public_url, max_body, timeout: self.network.limits.response_timeout }
    }

    /// Serves `grpc`, `http` and the health paths until [`Server::shutdown`].
    pub(crate) fn serve(
        self,
        grpc: Option<Routes>,
        http: Router,
        check: health::Check,
        handles: Option<ServiceHandles>,
    ) -> Server {
        let shutdown = ShutdownFlag::default();
        let http = health::routes(check, shutdown.clone()).merge(http);
        let limits = self.network.limits.clone();
        let (stop, stopped) = watch::channel(false);
        let app = App::new(grpc, http, self.prepared.cors, limits.body_timeout, &stopped);
        let context = ConnectionContext::new(app, self.prepared.tls, limits)
            .logging_requests(self.network.log_requests);
        let task = listen::serve(self.listener, context, stopped, self.network.drain);
        Server {
            address: self.address,
            url: self.url,
            handles,
            network: self.network,
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
