//! The accept loop: HTTP/1.1 and HTTP/2 (with prior knowledge) on one socket, and the end
//! of it all: no new connections, the requests under way get time, then the rest is cut.

use std::time::Duration;

use axum::body::Body;
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    time::timeout,
};
use tower::ServiceExt as _;

use crate::app::App;

/// An HTTP/1 client that begins a request head and does not end it for this long is cut.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Rest after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Requests at a time on one HTTP/2 connection.
const MAX_STREAMS: u32 = 256;

/// Serves `app` until `stop` changes, then for at most `drain` longer.
pub(crate) async fn serve(
    listener: TcpListener,
    app: App,
    mut stop: watch::Receiver<bool>,
    drain: Duration,
) {
    let builder = builder();
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.changed() => break,
        };
        match accepted {
            Ok((stream, _)) => connect(&builder, &graceful, stream, app.clone()),
            // Out of file descriptors, most likely: give connections a moment to end.
            Err(error) => {
                tracing::warn!(%error, "can't accept a connection");
                if timeout(ACCEPT_PAUSE, stop.changed()).await.is_ok() {
                    break;
                }
            }
        }
    }
    drop(listener);
    if timeout(drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still under way at the end of the drain time");
    }
}

fn connect(
    builder: &Builder<TokioExecutor>,
    graceful: &GracefulShutdown,
    stream: TcpStream,
    app: App,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "can't set nodelay");
    }
    let service = app.map_request(|request: hyper::Request<Incoming>| request.map(Body::new));
    let connection =
        builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let connection = graceful.watch(connection.into_owned());
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "connection ended");
        }
    });
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .keep_alive_interval(Some(Duration::from_secs(30)));
    builder
}
