//! One port for everything: gRPC and gRPC-Web by their content types, the rest is HTTP.

use std::{
    convert::Infallible,
    error::Error,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{Request, Response, header::CONTENT_TYPE},
};
use http_body_util::BodyExt as _;
use tonic::{Status, service::Routes};
use tonic_web::{GrpcWebLayer, GrpcWebService};
use tower::{Layer as _, Service};

use crate::{body_timeout::BodyTimeout, cors::Cors, grpc::Guarded};

/// What a listener serves.
#[derive(Clone, Debug)]
pub(crate) struct App {
    grpc: Option<GrpcWebService<Guarded>>,
    http: Router,
    cors: Cors,
    /// For each KiB of a request.
    body_timeout: Duration,
}

impl App {
    pub(crate) fn new(
        grpc: Option<Routes>,
        http: Router,
        cors: Cors,
        body_timeout: Duration,
    ) -> Self {
        let grpc = grpc.map(|routes| GrpcWebLayer::new().layer(Guarded(routes)));
        Self { grpc, http, cors, body_timeout }
    }

    fn answer(&mut self, request: Request<Body>) -> Answering {
        match &mut self.grpc {
            Some(grpc) if is_grpc(&request) => {
                let talks = talks(&request);
                let request = request.map(|body| match talks {
                    true => tonic::body::Body::new(body),
                    false => grpc_body(BodyTimeout::wrap(body, self.body_timeout)),
                });
                let answer = grpc.call(request);
                Box::pin(async { answer.await.map(|answer| answer.map(Body::new)) })
            }
            Some(_) | None => {
                let request = request.map(|body| BodyTimeout::wrap(body, self.body_timeout));
                Box::pin(self.http.call(request))
            }
        }
    }
}

type Answering = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

impl Service<Request<Body>> for App {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    /// Both sides are always ready.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Answering {
        let Some(visit) = self.cors.visit(&request) else {
            return self.answer(request);
        };
        if let Some(preflight) = visit.preflight(&request) {
            return Box::pin(std::future::ready(Ok(preflight)));
        }
        let answer = self.answer(request);
        Box::pin(async move { answer.await.map(|answer| visit.admit(answer)) })
    }
}

/// `application/grpc`, `application/grpc+proto`, `application/grpc-web-text` …
fn is_grpc(request: &Request<Body>) -> bool {
    let kind = request.headers().get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// Whether the call is a stream of messages, which may come when they please: of ours, only
/// reflection is.
fn talks(request: &Request<Body>) -> bool {
    request.uri().path().starts_with("/grpc.reflection.")
}

fn grpc_body(body: Body) -> tonic::body::Body {
    tonic::body::Body::new(body.map_err(|error| match late(&error) {
        Some(late) => Status::deadline_exceeded(late.to_string()),
        None => Status::from_error(error.into()),
    }))
}

/// Why the body was given up, if that is what happened.
fn late<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a io::Error> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        match error.downcast_ref::<io::Error>() {
            Some(late) if late.kind() == io::ErrorKind::TimedOut => return Some(late),
            Some(_) | None => cause = error.source(),
        }
    }
    None
}
