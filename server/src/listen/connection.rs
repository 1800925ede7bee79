//! One connection, from its first byte to its end.

use std::{convert::Infallible, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{body::Body, http::Request};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use spiderq_core::{HeldMemory, Origin};
use spiderq_gateway::GivenToAnybody;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::watch,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;

use super::{
    ConnectionContext, authenticated,
    open_connections::{Connection, Place},
    protocol_sniff::Opening,
    response_body::ResponseBody,
    timed_stream::TimedStream,
};
use crate::{
    access_log,
    app::App,
    public_paths::{is_public, is_public_stream},
};

/// How long a connection may stay open after its graceful shutdown and its last request: hyper
/// may wait for ever (hyper #4170).
const LINGER_TIMEOUT: Duration = Duration::from_secs(1);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Serves `socket`, whose other end is `peer`, to its end. An error is logged for debugging only:
/// clients cause most.
pub(super) async fn serve(
    socket: TcpStream,
    peer: SocketAddr,
    place: Place,
    context: Arc<ConnectionContext>,
    stop: watch::Receiver<bool>,
) {
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%error, "can't set nodelay");
    }
    let connection = Arc::clone(&place.connection);
    let served = async {
        match &context.tls {
            None => open(socket, peer, connection, context, stop).await,
            Some(tls) => {
                let tls = tls.acceptor();
                Box::pin(accept_tls(tls, socket, peer, connection, context, stop)).await
            }
        }
    };
    tokio::select! {
        result = served => if let Err(error) = result {
            tracing::debug!(error, "connection ended");
        },
        () = place.connection.abandoned() => tracing::debug!("connection closed to make room"),
    }
}

async fn accept_tls(
    tls: TlsAcceptor,
    socket: TcpStream,
    peer: SocketAddr,
    connection: Arc<Connection>,
    context: Arc<ConnectionContext>,
    stop: watch::Receiver<bool>,
) -> Result<(), BoxError> {
    let socket = with_timeout(context.limits.handshake_timeout, tls.accept(socket)).await?;
    open(socket, peer, connection, context, stop).await
}

async fn open<S>(
    mut socket: S,
    peer: SocketAddr,
    connection: Arc<Connection>,
    context: Arc<ConnectionContext>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), BoxError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limit = context.limits.handshake_timeout;
    let opening = tokio::select! {
        opening = with_timeout(limit, Opening::read(&mut socket)) => opening?,
        // No request has come: there is nothing to wait for.
        _ = stop.changed() => return Ok(()),
    };
    // Boxed, so that a connection that never sends a request costs little memory.
    Box::pin(serve_http(opening, socket, peer, connection, context, stop)).await
}

async fn serve_http<S>(
    opening: Opening,
    socket: S,
    peer: SocketAddr,
    known: Arc<Connection>,
    context: Arc<ConnectionContext>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), BoxError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (in_flight, limits) = (&known.in_flight, &context.limits);
    let stream = TimedStream::new(opening, socket, in_flight, limits);
    let service = service_fn(|request| respond(&context, &known, peer, request));
    let connection = context.builder.serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = in_flight.idle_for(|| limits.idle_timeout_of(&known.authenticated)) => {}
        () = known.closed() => {}
        _ = stop.changed() => {}
    }
    connection.as_mut().graceful_shutdown();
    let lingered = async {
        // Counts from now also where the connection has long been idle: GOAWAY must get out.
        sleep(LINGER_TIMEOUT).await;
        in_flight.idle_for(|| LINGER_TIMEOUT).await;
    };
    tokio::select! {
        ended = connection => ended,
        () = lingered => Ok(()),
    }
}

fn respond(
    context: &ConnectionContext,
    connection: &Connection,
    peer: SocketAddr,
    mut request: Request<Incoming>,
) -> impl Future<Output = Result<axum::response::Response, Infallible>> + use<> {
    if let Some(uri) = context.base_path.strip(request.uri()) {
        *request.uri_mut() = uri;
    }
    let path = request.uri().path();
    let limit = is_public_stream(path).then_some(context.limits.public_stream_timeout);
    let needs_credentials = !is_public(path);
    let guard = connection.in_flight.begin(limit);
    let (authenticated, origin) = (connection.authenticated.clone(), Origin::new(peer));
    let caller = origin.clone();
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(origin.clone());
    let entry = context.logs_requests.then(|| access_log::Entry::begin(&request, origin));
    if let Some(entry) = &entry {
        request = request.map(|body| entry.count_received(body));
    }
    let mut app: App = context.app.clone();
    let response = app.call(request);
    async move {
        let mut response = response.await?;
        let needs_credentials =
            needs_credentials && response.extensions().get::<GivenToAnybody>().is_none();
        // A gateway alone learns no owner: it goes by what its upstream answers.
        if caller.owner().is_some() || needs_credentials && authenticated::is_proof(&response) {
            authenticated.mark();
        }
        let held = response.extensions_mut().remove::<HeldMemory>();
        let response = response.map(|body| Body::new(ResponseBody::new(body, guard, held)));
        Ok(match entry {
            Some(entry) => entry.attach_to(response),
            None => response,
        })
    }
}

async fn with_timeout<T>(
    limit: Duration,
    step: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    let timed_out = |_| io::Error::from(io::ErrorKind::TimedOut);
    timeout(limit, step).await.map_err(timed_out)?
}
