//! One connection, from its first byte to its end.

use std::{convert::Infallible, future::Future, io, pin::pin, sync::Arc, time::Duration};

use axum::{body::Body, http::Request};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::watch,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tower::Service as _;

use super::{ConnectionContext, in_flight::InFlight, protocol_sniff::Opening, stream::Stream};
use crate::app::App;

/// For a connection that was told to end and has no request under way: hyper may wait for
/// good (hyper #4170).
const LINGER: Duration = Duration::from_secs(1);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Serves `socket` to its end. Where that was not a clean one, only debuggers want to know.
pub(super) async fn serve(
    socket: TcpStream,
    host: Arc<ConnectionContext>,
    stop: watch::Receiver<bool>,
) {
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%error, "can't set nodelay");
    }
    let ended = match host.tls.clone() {
        None => open(socket, host, stop).await,
        Some(tls) => Box::pin(shake_hands(tls, socket, host, stop)).await,
    };
    if let Err(error) = ended {
        tracing::debug!(error, "connection ended");
    }
}

async fn shake_hands(
    tls: TlsAcceptor,
    socket: TcpStream,
    host: Arc<ConnectionContext>,
    stop: watch::Receiver<bool>,
) -> Result<(), BoxError> {
    let socket = in_time(host.limits.handshake_timeout, tls.accept(socket)).await?;
    open(socket, host, stop).await
}

async fn open<S>(
    mut socket: S,
    host: Arc<ConnectionContext>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), BoxError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let opening = tokio::select! {
        opening = in_time(host.limits.handshake_timeout, Opening::read(&mut socket)) => opening?,
        // Nothing was asked yet.
        _ = stop.changed() => return Ok(()),
    };
    // Boxed, so that who does not come this far costs little memory.
    Box::pin(speak(opening, socket, host, stop)).await
}

async fn speak<S>(
    opening: Opening,
    socket: S,
    host: Arc<ConnectionContext>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), BoxError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let activity = InFlight::new();
    let stream = Stream::new(opening, socket, &activity, &host.limits);
    let (app, requests) = (host.app.clone(), activity.clone());
    let service = service_fn(move |request| answer(app.clone(), &requests, request));
    let connection = host.builder.serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = activity.idle_for(host.limits.idle_timeout) => {}
        _ = stop.changed() => {}
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        ended = connection => ended,
        () = activity.idle_for(LINGER) => Ok(()),
    }
}

fn answer(
    mut app: App,
    requests: &InFlight,
    request: Request<Incoming>,
) -> impl Future<Output = Result<axum::response::Response, Infallible>> + use<> {
    let under_way = requests.begin();
    let answer = app.call(request.map(Body::new));
    async move {
        let answer = answer.await?;
        Ok(answer.map(|body| under_way.until_the_end_of(body)))
    }
}

async fn in_time<T>(limit: Duration, step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let late = |_| io::Error::from(io::ErrorKind::TimedOut);
    timeout(limit, step).await.map_err(late)?
}
