//! One port for everything: gRPC and gRPC-Web by their content types, the rest is HTTP.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    Router,
    body::Body,
    http::{Request, Response, header::CONTENT_TYPE},
};
use tonic::service::Routes;
use tonic_web::{GrpcWebLayer, GrpcWebService};
use tower::{Layer as _, Service};

/// What a listener serves.
#[derive(Clone, Debug)]
pub(crate) struct App {
    grpc: Option<GrpcWebService<Routes>>,
    http: Router,
}

impl App {
    pub(crate) fn new(grpc: Option<Routes>, http: Router) -> Self {
        let grpc = grpc.map(|routes| GrpcWebLayer::new().layer(routes));
        Self { grpc, http }
    }
}

impl Service<Request<Body>> for App {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    /// Both sides are always ready.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match &mut self.grpc {
            Some(grpc) if is_grpc(&request) => {
                let answer = grpc.call(request.map(tonic::body::Body::new));
                Box::pin(async { answer.await.map(|answer| answer.map(Body::new)) })
            }
            Some(_) | None => Box::pin(self.http.call(request)),
        }
    }
}

/// `application/grpc`, `application/grpc+proto`, `application/grpc-web-text` …
fn is_grpc(request: &Request<Body>) -> bool {
    let kind = request.headers().get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}
