//! Everything on one port: a request with a content type of gRPC or gRPC-Web goes to the
//! services, any other to the HTTP routes. CORS and the body timeout apply to both.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
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

use crate::{
    body_timeout::BodyTimeouts,
    cors,
    grpc::{Admission, GrpcGuard},
};

/// The gRPC side of a listener.
pub(crate) struct GrpcServices {
    pub(crate) routes: Routes,
    /// `None`: calls are not checked before their handler runs, for tests.
    pub(crate) admission: Option<Admission>,
}

/// What a listener serves. Cloned for each request.
#[derive(Clone, Debug)]
pub(crate) struct App {
    dispatch: Dispatch,
    cors: Option<Arc<CorsLayer>>,
}

impl App {
    /// `stop` becomes true when the server stops.
    pub(crate) fn new(
        grpc: Option<GrpcServices>,
        http: Router,
        cors: Option<CorsLayer>,
        body_timeouts: BodyTimeouts,
        stop: &watch::Receiver<bool>,
    ) -> Self {
        let guarded = |GrpcServices { routes, admission }| {
            GrpcWebLayer::new().layer(GrpcGuard::new(routes, admission, stop.clone()))
        };
        let dispatch = Dispatch { grpc: grpc.map(guarded), http, body_timeouts };
        Self { dispatch, cors: cors.map(Arc::new) }
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
    body_timeouts: BodyTimeouts,
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
        let timeouts = self.body_timeouts;
        match &mut self.grpc {
            Some(grpc) if is_grpc(&request) => {
                let is_stream = is_stream(&request);
                let request = request.map(|body| match is_stream {
                    true => tonic::body::Body::new(body),
                    false => grpc_body(timeouts.apply(body)),
                });
                let response = grpc.call(request);
                Box::pin(async { response.await.map(|response| response.map(Body::new)) })
            }
            Some(_) | None => {
                let request = request.map(|body| timeouts.apply(body));
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
