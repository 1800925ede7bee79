//! The accept loop: HTTP/1.1 and HTTP/2, with or without TLS, on one socket. At its end it accepts
//! no more connections, gives the requests under way time, and closes what is left.

mod authenticated;
mod connection;
mod in_flight;
mod limits;
mod open_connections;
mod protocol_sniff;
mod response_body;
mod stall;
#[cfg(test)]
mod tests;
mod timed_stream;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use hyper_util::server::conn::auto::Builder;
use spiderq_gateway::BasePath;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::{Instant, timeout},
};

pub use self::limits::Limits;
use self::{open_connections::OpenConnections, stall::StreamExecutor};
use crate::{app::App, certificates::Certificates};

/// Pause after a connection could not be accepted.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);
/// Where all connections have requests: until it is looked again for one that is idle by now.
const FULL_BACKOFF: Duration = Duration::from_millis(100);
/// Of all connections, the part that is closed at a time to make room: one by one would cost a
/// look at all of them for each.
const CLOSED_AT_A_TIME: usize = 100;
/// The least time between two warnings of the same kind.
const WARNING_INTERVAL: Duration = Duration::from_secs(10);

/// What all connections of a listener share.
pub(crate) struct ConnectionContext {
    app: App,
    tls: Option<Arc<Certificates>>,
    limits: Limits,
    builder: Builder<StreamExecutor>,
    logs_requests: bool,
    base_path: BasePath,
}

impl ConnectionContext {
    pub(crate) fn new(app: App, tls: Option<Arc<Certificates>>, limits: Limits) -> Self {
        let (builder, base_path) = (limits.builder(), BasePath::default());
        Self { app, tls, builder, limits, logs_requests: false, base_path }
    }

    /// Whether each request gets a line in the access log.
    pub(crate) const fn logging_requests(mut self, logs_requests: bool) -> Self {
        self.logs_requests = logs_requests;
        self
    }

    /// The path under which clients see all others.
    pub(crate) fn under(mut self, base_path: BasePath) -> Self {
        self.base_path = base_path;
        self
    }
}

/// Serves until `stop` changes, then for at most `drain` longer.
pub(crate) async fn serve(
    listener: TcpListener,
    context: ConnectionContext,
    stop: watch::Receiver<bool>,
    drain: Duration,
) {
    let mut connections = JoinSet::new();
    accept(&listener, &Arc::new(context), stop, &mut connections).await;
    drop(listener);
    let all_closed = async { while connections.join_next().await.is_some() {} };
    if timeout(drain, all_closed).await.is_err() {
        tracing::warn!("drain time is over, closing connections with requests under way");
        connections.shutdown().await;
    }
}

async fn accept(
    listener: &TcpListener,
    context: &Arc<ConnectionContext>,
    mut stop: watch::Receiver<bool>,
    connections: &mut JoinSet<()>,
) {
    let mut entrance =
        Entrance { open: Arc::default(), full: Warning(None), refused: Warning(None) };
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, peer)) => {
                    let mut stopping = stop.clone();
                    let entered = entrance.admit(socket, peer, context, &stop, connections);
                    tokio::select! {
                        () = entered => {}
                        _ = stopping.changed() => return,
                    }
                }
                // Most likely out of file descriptors: give other connections a moment to end.
                Err(error) => {
                    tracing::warn!(%error, "can't accept a connection");
                    if timeout(ACCEPT_BACKOFF, stop.changed()).await.is_ok() {
                        return;
                    }
                }
            },
            Some(_) = connections.join_next() => {}
            _ = stop.changed() => return,
        }
    }
}

/// Lets accepted connections in, within the limits.
struct Entrance {
    open: Arc<OpenConnections>,
    full: Warning,
    refused: Warning,
}

impl Entrance {
    async fn admit(
        &mut self,
        socket: TcpStream,
        peer: SocketAddr,
        context: &Arc<ConnectionContext>,
        stop: &watch::Receiver<bool>,
        connections: &mut JoinSet<()>,
    ) {
        let (limits, max) = (&context.limits, context.limits.max_connections);
        let address = peer.ip();
        if self.open.count_of(address) >= limits.max_connections_per_address {
            if self.refused.is_due() {
                let max = limits.max_connections_per_address;
                tracing::warn!(peer = %address, max, "connection limit of an address reached");
            }
            return;
        }
        if connections.len() >= max && self.full.is_due() {
            tracing::warn!(max, "connection limit reached");
        }
        while connections.len() >= max {
            self.open.close_longest_idle(1 + max / CLOSED_AT_A_TIME);
            // An error means that all of them still have requests.
            let _ = timeout(FULL_BACKOFF, connections.join_next()).await;
        }
        let place = self.open.enter(address);
        let served = connection::serve(socket, peer, place, context.clone(), stop.clone());
        connections.spawn(served);
    }
}

/// When a warning that anyone can cause was last logged.
struct Warning(Option<Instant>);

impl Warning {
    fn is_due(&mut self) -> bool {
        let is_due = self.0.is_none_or(|last| last.elapsed() >= WARNING_INTERVAL);
        if is_due {
            self.0 = Some(Instant::now());
        }
        is_due
    }
}
