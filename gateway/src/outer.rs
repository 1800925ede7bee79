//! What surrounds the routes: request ids, trailing slashes, compression, panics, and the
//! answers to unknown paths and wrong methods.

use std::{any::Any, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::Request,
    middleware::{self, Next},
    response::Response,
};
use http::{HeaderValue, StatusCode, Uri, uri::PathAndQuery};
use tower::util::MapRequest;
use tower_http::{
    catch_panic::CatchPanicLayer, compression::CompressionLayer,
    decompression::RequestDecompressionLayer,
};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::{
    call::REQUEST_ID,
    errors::{Family, Problem},
    patience, routes,
    services::{App, Options, Services},
    strangers,
};

/// Every HTTP path of the gateway as the fallback of a router, so that a server may add
/// its own routes (health, metrics, gRPC) before it.
pub fn router(services: Services, options: Options) -> Router {
    let app = Arc::new(App { services, options });
    let inner = routes::table()
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(app.clone(), strangers::learn_nothing))
        // Other encodings pass, so that the refusal has the form of its family.
        .layer(RequestDecompressionLayer::new().pass_through_unaccepted(true))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), patience::bounded))
        .layer(CompressionLayer::new())
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(with_request_id))
        .with_state(app);
    // Outside the router: layers inside run after the path is matched.
    Router::new().fallback_service(MapRequest::new(inner, without_trailing_slash))
}

async fn unknown_path(uri: Uri) -> Response {
    Problem::new(StatusCode::NOT_FOUND, "there is no such path").answer(Family::of(uri.path()))
}

/// The router adds `Allow`.
async fn wrong_method(uri: Uri) -> Response {
    let problem =
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this path does not take this method");
    problem.answer(Family::of(uri.path()))
}

/// The path is out of reach here, so the body is good for both families.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a handler panicked");
    let body = r#"{"status":"error","error":"Internal Server Error","message":"internal error"}"#;
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(http::header::CONTENT_TYPE, json);
    response
}

async fn with_request_id(mut request: Request, next: Next) -> Response {
    let id = match request.headers().get(REQUEST_ID) {
        Some(id) if usable(id) => id.clone(),
        _ => new_id(),
    };
    request.headers_mut().insert(REQUEST_ID, id.clone());
    // The path alone: a query may hold a key.
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let span = tracing::info_span!("http", ?id, %method, path);
    let mut response = next.run(request).instrument(span).await;
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

fn usable(id: &HeaderValue) -> bool {
    (1..=128).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic)
}

fn new_id() -> HeaderValue {
    let id = Uuid::now_v7().to_string();
    HeaderValue::try_from(id).unwrap_or_else(|_| HeaderValue::from_static("none"))
}

fn without_trailing_slash(mut request: Request) -> Request {
    let path = request.uri().path();
    let trimmed = path.trim_end_matches('/');
    if trimmed.len() == path.len() || trimmed.is_empty() {
        return request;
    }
    let text = match request.uri().query() {
        Some(query) => format!("{trimmed}?{query}"),
        None => trimmed.to_owned(),
    };
    if let Ok(path_and_query) = PathAndQuery::try_from(text) {
        let mut parts = request.uri().clone().into_parts();
        parts.path_and_query = Some(path_and_query);
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
    request
}
