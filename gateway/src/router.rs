//! All paths behind their middleware, and the responses to unknown paths, wrong methods and
//! panics.

use std::{any::Any, sync::Arc};

use axum::{Router, middleware::from_fn, middleware::from_fn_with_state, response::Response};
use http::{StatusCode, Uri};
use tower::util::MapRequest;
use tower_http::{
    catch_panic::CatchPanicLayer, compression::CompressionLayer,
    decompression::RequestDecompressionLayer,
};

use crate::{
    errors::{Family, Problem},
    middleware::{request_id, timeout, trailing_slash, unauthenticated},
    responses, routes,
    services::{App, Options, Services},
};

/// Every HTTP path of the gateway as the fallback of a router: the caller may add routes of its
/// own (health, gRPC), which go before it.
pub fn router(services: Services, options: Options) -> Router {
    let app = Arc::new(App { services, options });
    let routes = routes::table()
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(Arc::clone(&app), unauthenticated::hide_refusals))
        // Other encodings pass, so that `body` refuses them in the form of their family.
        .layer(RequestDecompressionLayer::new().pass_through_unaccepted(true))
        .layer(from_fn_with_state(Arc::clone(&app), timeout::limit_time_to_response))
        .layer(CompressionLayer::new())
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(request_id::ensure))
        .with_state(app);
    // Outside the router, as layers inside it run after the path is matched.
    Router::new().fallback_service(MapRequest::new(routes, trailing_slash::remove))
}

async fn unknown_path(uri: Uri) -> Response {
    let problem = Problem::new(StatusCode::NOT_FOUND, "there is no such path");
    problem.into_response(Family::of(uri.path()))
}

/// The router adds `Allow`.
async fn wrong_method(uri: Uri) -> Response {
    let code = StatusCode::METHOD_NOT_ALLOWED;
    let problem = Problem::new(code, "this path does not take this method");
    problem.into_response(Family::of(uri.path()))
}

/// The path is not known here, so the body suits both families.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a handler panicked");
    let body = r#"{"status":"error","error":"Internal Server Error","message":"internal error"}"#;
    let mut response = responses::json(body.to_owned());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}
