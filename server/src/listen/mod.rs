//! The accept loop: TLS or not, HTTP/1.1 and HTTP/2, all on one socket; and the end of it
//! all: no new connections, the requests under way get time, then the rest is cut.

mod connection;
mod in_flight;
mod limits;
mod protocol_sniff;
mod stream;
#[cfg(test)]
mod tests;

pub use self::limits::Limits;

use std::{sync::Arc, time::Duration};

use hyper_util::{rt::TokioExecutor, server::conn::auto::Builder};
use tokio::{net::TcpListener, sync::watch, task::JoinSet, time::timeout};
use tokio_rustls::TlsAcceptor;

use crate::app::App;

/// Rest after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What connections are served with.
pub(crate) struct ConnectionContext {
    app: App,
    tls: Option<TlsAcceptor>,
    limits: Limits,
    builder: Builder<TokioExecutor>,
}

impl ConnectionContext {
    pub(crate) fn new(app: App, tls: Option<TlsAcceptor>, limits: Limits) -> Self {
        Self { app, tls, builder: limits.builder(), limits }
    }
}

/// Serves until `stop` changes, then for at most `drain` longer.
pub(crate) async fn serve(
    listener: TcpListener,
    host: ConnectionContext,
    mut stop: watch::Receiver<bool>,
    drain: Duration,
) {
    let host = Arc::new(host);
    let most = host.limits.max_connections;
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            // Over the limit, clients wait in the backlog of the system.
            accepted = listener.accept(), if connections.len() < most => match accepted {
                Ok((socket, _)) => {
                    connections.spawn(connection::serve(socket, host.clone(), stop.clone()));
                    if connections.len() == most {
                        tracing::warn!(most, "as many connections as may be");
                    }
                }
                // Out of file descriptors, most likely: give connections a moment to end.
                Err(error) => {
                    tracing::warn!(%error, "can't accept a connection");
                    if timeout(ACCEPT_PAUSE, stop.changed()).await.is_ok() {
                        break;
                    }
                }
            },
            Some(_) = connections.join_next() => {}
            _ = stop.changed() => break,
        }
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    if timeout(drain, all).await.is_err() {
        tracing::warn!("requests were still under way at the end of the drain time");
        connections.shutdown().await;
    }
}
