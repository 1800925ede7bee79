//! Hands calls of gRPC-Web on to the services behind a gateway, so that the web page that it serves
//! works there too. The services authenticate them and know their limits.

use std::{
    convert::Infallible,
    task::{Context, Poll},
};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, HeaderName, Request, Response, Version},
};
use futures::future::BoxFuture;
use tonic::{Status, service::Routes, transport::Channel};
use tower::Service;

use crate::app::GrpcServices;

/// What goes on: all else is about this connection, or about the page that calls. Responses come
/// uncompressed, and are compressed here where the page takes that.
const HEADERS: [&str; 7] = [
    "authorization",
    "content-type",
    "te",
    "grpc-timeout",
    "grpc-encoding",
    "x-request-id",
    "x-user-agent",
];

/// The services at the other end of `channel`, for the page alone.
pub(crate) fn services(channel: Channel) -> GrpcServices {
    let routes = Routes::from(Router::new().fallback_service(Upstream(channel)));
    GrpcServices { routes, admission: None, web_only: true }
}

#[derive(Clone, Debug)]
struct Upstream(Channel);

impl Service<Request<Body>> for Upstream {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    /// The call waits for the channel.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let channel = self.0.clone();
        Box::pin(async move {
            let response = hand_on(channel, request).await;
            Ok(response.unwrap_or_else(|error| {
                tracing::warn!(%error, "upstream out of reach");
                Status::unavailable("the upstream is out of reach").into_http()
            }))
        })
    }
}

async fn hand_on(
    mut channel: Channel,
    request: Request<Body>,
) -> Result<Response<Body>, tonic::transport::Error> {
    let (mut head, body) = request.into_parts();
    head.headers = handed_on(&head.headers);
    (head.version, head.extensions) = (Version::HTTP_2, Default::default());
    let request = Request::from_parts(head, tonic::body::Body::new(body));
    std::future::poll_fn(|context| channel.poll_ready(context)).await?;
    Ok(channel.call(request).await?.map(Body::new))
}

fn handed_on(headers: &HeaderMap) -> HeaderMap {
    let names = HEADERS.iter().map(|name| HeaderName::from_static(name));
    let known = names.filter_map(|name| headers.get(&name).map(|value| (name, value.clone())));
    known.collect()
}
