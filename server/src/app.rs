//! Everything on one port: a request with a content type of gRPC or gRPC-Web goes to the
//! services, any other to the HTTP routes. CORS and the body timeout apply to both.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{Request, Response, header::CONTENT_TYPE},
};
use futures::future::BoxFuture;
use http_body_util::BodyExt as _;
use tokio::sync::watch;
use tonic::{Status, service::Routes};
use tonic_web::{GrpcWebLayer, GrpcWebService};
use tower::{Layer as _, Service};
use tower_http::cors::CorsLayer;

use crate::{body_timeout, cors, grpc::GrpcGuard};

/// What a listener serves. Cloned for each request.
#[derive(Clone, Debug)]
pub(crate) struct App {
    dispatch: Dispatch,
    cors: Option<Arc<CorsLayer>>,
}

impl App {
    /// `body_timeout` is for each KiB of a request's body; `stop` becomes true when the server
    /// stops.
    pub(crate) fn new(
        grpc: Option<Routes>,
        http: Router,
        cors: Option<CorsLayer>,
        body_timeout: Duration,
        stop: &watch::Receiver<bool>,
    ) -> Self {
        let guarded = |routes| GrpcGuard::new(routes, stop.clone());
        let grpc = grpc.map(|routes| GrpcWebLayer::new().layer(guarded(routes)));
        Self { dispatch: Dispatch { grpc, http, body_timeout }, cors: cors.map(Arc::new) }
    }

    pub(crate) fn call(&mut self, request: Request<Body>) -> ResponseFuture {
        match &self.cors {
            Some(cors) if cors::applies_to(&request) => {
                Box::pin(cors.layer(self.dispatch.clone()).call(request))
            }
            Some(_) | None => self.dispatch.call(request),
        }
    }
}

type ResponseFuture = BoxFuture<'static, Result<Response<Body>, Infallible>>;

#[derive(Clone, Debug)]
struct Dispatch {
    grpc: Option<GrpcWebService<GrpcGuard>>,
    http: Router,
    body_timeout: Duration,
}

impl Service<Request<Body>> for Dispatch {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = ResponseFuture;

    /// Both sides are always ready.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> ResponseFuture {
        let timeout = self.body_timeout;
        match &mut self.grpc {
            Some(grpc) if is_grpc(&request) => {
                let is_stream = is_stream(&request);
                let request = request.map(|body| match is_stream {
                    true => tonic::body::Body::new(body),
                    false => grpc_body(body_timeout::apply(body, timeout)),
                });
                let response = grpc.call(request);
                Box::pin(async { response.await.map(|response| response.map(Body::new)) })
            }
            Some(_) | None => {
                let request = request.map(|body| body_timeout::apply(body, timeout));
                Box::pin(self.http.call(request))
            }
        }
    }
}

/// `application/grpc`, `application/grpc+proto`, `application/grpc-web-text` …
fn is_grpc(request: &Request<Body>) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE);
    content_type.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// Whether the client streams messages, which may come at any time: among our services only
/// reflection takes such a stream.
fn is_stream(request: &Request<Body>) -> bool {
    request.uri().path().starts_with("/grpc.reflection.")
}

fn grpc_body(body: Body) -> tonic::body::Body {
    tonic::body::Body::new(body.map_err(|error| match spiderq_gateway::find_timeout(&error) {
        Some(cause) => Status::deadline_exceeded(format!("the request {cause}")),
        None => Status::from_error(error.into()),
    }))
}
