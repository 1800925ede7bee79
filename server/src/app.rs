//! Everything on one port: a request with a content type of gRPC or gRPC-Web goes to the
//! services, any other to the HTTP routes. CORS, the body timeout and the refusal of writes by
//! pages of other sites apply to both; the gateway does the latter for HTTP.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    Router,
    body::Body,
    http::{
        HeaderName, HeaderValue, Request, Response, StatusCode, Version,
        header::{CONTENT_TYPE, HOST},
    },
};
use futures::future::{BoxFuture, ready};
use http_body_util::BodyExt as _;
use spiderq_gateway::{Origins, use_session};
use tokio::sync::watch;
use tonic::{Status, service::Routes};
use tonic_web::{GrpcWebLayer, GrpcWebService};
use tower::{Layer as _, Service};
use tower_http::cors::CorsLayer;

use crate::{
    body_timeout::BodyTimeouts,
    cors,
    grpc::{Admission, GrpcGuard},
    listen::Limits,
    public_paths::is_reflection,
    trusted_user::Users,
};

const CONTENT_TYPE_OPTIONS: HeaderName = HeaderName::from_static("x-content-type-options");

/// The gRPC side of a listener.
pub(crate) struct GrpcServices {
    pub(crate) routes: Routes,
    /// `None`: calls are not checked before their handler runs, for tests.
    pub(crate) admission: Option<Admission>,
    /// Whether they are called over gRPC-Web alone, by the web page of a gateway.
    pub(crate) web_only: bool,
}

/// What a listener serves. Cloned for each request.
#[derive(Clone, Debug)]
pub(crate) struct App {
    dispatch: Dispatch,
    cors: Option<Arc<CorsLayer>>,
    takes_sessions: bool,
    users: Option<Users>,
}

impl App {
    /// `stop` becomes true when the server stops.
    pub(crate) fn new(
        grpc: Option<GrpcServices>,
        http: Router,
        cors: Option<CorsLayer>,
        origins: Origins,
        limits: &Limits,
        stop: &watch::Receiver<bool>,
    ) -> Self {
        let stream_timeout = limits.public_stream_timeout;
        let web_only = grpc.as_ref().is_some_and(|grpc| grpc.web_only);
        let guarded = |GrpcServices { routes, admission, .. }| {
            let guard = GrpcGuard::new(routes, admission, stream_timeout, stop.clone());
            GrpcWebLayer::new().layer(guard)
        };
        let (origins, body_timeouts) = (Arc::new(origins), limits.body_timeouts());
        let dispatch = Dispatch { grpc: grpc.map(guarded), web_only, http, origins, body_timeouts };
        Self { dispatch, cors: cors.map(Arc::new), takes_sessions: false, users: None }
    }

    /// Whether the session of a browser may stand for a key.
    pub(crate) fn taking_sessions(mut self, takes_sessions: bool) -> Self {
        self.takes_sessions = takes_sessions;
        self
    }

    /// Whom proxies name.
    pub(crate) fn with_users(mut self, users: Option<Users>) -> Self {
        self.users = users;
        self
    }

    pub(crate) fn call(&mut self, mut request: Request<Body>) -> ResponseFuture {
        if has_wrong_host(&request) {
            return Box::pin(ready(Ok(wrong_host(request.uri().path()))));
        }
        if self.takes_sessions {
            use_session(&mut request, &self.dispatch.origins);
        }
        if let Some(users) = &self.users {
            users.sign_in(&mut request, &self.dispatch.origins);
        }
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
    web_only: bool,
    http: Router,
    origins: Arc<Origins>,
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
            Some(grpc) if is_grpc(&request) && (!self.web_only || is_grpc_web(&request)) => {
                if let Some(why) = self.origins.refusal(request.uri(), request.headers()) {
                    return Box::pin(ready(Ok(cross_site(&request, why))));
                }
                let is_web = is_grpc_web(&request);
                let is_stream = is_reflection(request.uri().path());
                let request = request.map(|body| match is_stream {
                    true => tonic::body::Body::new(body),
                    false => grpc_body(timeouts.apply(body)),
                });
                let response = grpc.call(request);
                Box::pin(async move {
                    let response = response.await?.map(Body::new);
                    Ok(if is_web { without_sniffing(response) } else { response })
                })
            }
            Some(_) | None => {
                let request = request.map(|body| timeouts.apply(body));
                let response = self.http.call(request);
                Box::pin(async { response.await.map(without_sniffing) })
            }
        }
    }
}

/// `application/grpc`, `application/grpc+proto`, `application/grpc-web-text` …
fn is_grpc(request: &Request<Body>) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE);
    content_type.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

fn is_grpc_web(request: &Request<Body>) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE);
    content_type.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc-web"))
}

/// HTTP/1.1 needs one Host (RFC 9112, section 3.2); HTTP/2 may have it besides `:authority`.
fn has_wrong_host(request: &Request<Body>) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    let is_missing = hosts.next().is_none() && request.version() == Version::HTTP_11;
    is_missing || hosts.next().is_some()
}

fn wrong_host(path: &str) -> Response<Body> {
    let message = "Host: a request needs one such header";
    without_sniffing(spiderq_gateway::refusal(path, StatusCode::BAD_REQUEST, message))
}

/// The refusal of a gRPC call by a page of another site.
fn cross_site(request: &Request<Body>, why: &str) -> Response<Body> {
    let mut response = Status::permission_denied(why).into_http::<Body>();
    if let Some(kind) = request.headers().get(CONTENT_TYPE) {
        response.headers_mut().insert(CONTENT_TYPE, kind.clone());
    }
    without_sniffing(response)
}

/// Forbids browsers to guess another type than the response says.
fn without_sniffing(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn grpc_body(body: Body) -> tonic::body::Body {
    tonic::body::Body::new(body.map_err(|error| match spiderq_gateway::find_timeout(&error) {
        Some(cause) => Status::deadline_exceeded(format!("the request {cause}")),
        None => Status::from_error(error.into()),
    }))
}
