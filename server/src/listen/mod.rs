//! The accept loop: HTTP/1.1 and HTTP/2, with or without TLS, on one socket. At its end it accepts
//! no more connections, gives the requests under way time, and closes what is left.

mod connection;
mod in_flight;
mod limits;
mod protocol_sniff;
#[cfg(test)]
mod tests;
mod timed_stream;

use std::{sync::Arc, time::Duration};

use hyper_util::{rt::TokioExecutor, server::conn::auto::Builder};
use tokio::{net::TcpListener, sync::watch, task::JoinSet, time::timeout};
use tokio_rustls::TlsAcceptor;

pub use self::limits::Limits;
use crate::app::App;

/// Pause after a connection could not be accepted.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

/// What all connections of a listener share.
pub(crate) struct ConnectionContext {
    app: App,
    tls: Option<TlsAcceptor>,
    limits: Limits,
    builder: Builder<TokioExecutor>,
    logs_requests: bool,
}

impl ConnectionContext {
    pub(crate) fn new(app: App, tls: Option<TlsAcceptor>, limits: Limits) -> Self {
        Self { app, tls, builder: limits.builder(), limits, logs_requests: false }
    }

    /// Whether each request gets a line in the access log.
    pub(crate) const fn logging_requests(mut self, logs_requests: bool) -> Self {
        self.logs_requests = logs_requests;
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
    let max = context.limits.max_connections;
    loop {
        tokio::select! {
            // At the limit, clients wait in the backlog of the system.
            accepted = listener.accept(), if connections.len() < max => match accepted {
                Ok((socket, peer)) => {
                    let served = connection::serve(socket, peer, context.clone(), stop.clone());
                    connections.spawn(served);
                    if connections.len() == max {
                        tracing::warn!(max, "connection limit reached");
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
