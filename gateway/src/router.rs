//! All paths behind their middleware, and the responses to unknown paths, wrong methods and
//! panics.

use std::{any::Any, sync::Arc};

use axum::{
    Router,
    extract::{Request, State},
    middleware::{from_fn, from_fn_with_state},
    response::Response,
};
use http::StatusCode;
use spiderq_core::limits::MIN_COMPRESSED_BYTES;
use tower::util::MapRequest;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer, DefaultPredicate, Predicate,
        predicate::{And, SizeAbove},
    },
};

use crate::{
    call::find_credentials,
    errors::{Family, Problem},
    known_callers::KnownCallers,
    middleware::{
        accept_encoding,
        cross_site::{self, Origins},
        no_store, request_id, timeout, trailing_slash, unauthenticated,
    },
    responses, routes,
    services::{App, Options, Services},
    web::{self, Page},
};

/// Every HTTP path of the gateway as the fallback of a router: the caller may add routes of its
/// own (health, gRPC), which go before it.
pub fn router(services: Services, options: Options) -> Router {
    let origins = Arc::new(Origins::of(&options));
    let page = options.page.as_ref().map(|page| Arc::new(Page::new(page)));
    let app = Arc::new(App { services, options, known_callers: KnownCallers::default() });
    let routes = routes::table(page.is_some())
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(Arc::clone(&app), timeout::limit_time_to_response))
        .layer(CompressionLayer::new().compress_when(compressed()))
        .layer(from_fn(accept_encoding::reduce))
        .layer(CatchPanicLayer::custom(panicked))
        .with_state(Arc::clone(&app));
    // Outside the router, as layers inside it run after the path is matched, and before the router
    // adds `Allow`.
    let router = Router::new()
        .fallback_service(MapRequest::new(routes, trailing_slash::remove))
        .layer(from_fn_with_state(app, unauthenticated::hide_refusals))
        .layer(from_fn(no_store::mark))
        .layer(from_fn_with_state(origins, cross_site::refuse_writes))
        .layer(from_fn(request_id::ensure));
    match page {
        Some(page) => router.layer(from_fn_with_state(page, web::serve)),
        None => router,
    }
}

/// Small responses would gain nothing. The length of a list is not known before its end.
fn compressed() -> And<DefaultPredicate, SizeAbove> {
    DefaultPredicate::new().and(SizeAbove::new(MIN_COMPRESSED_BYTES as u64))
}

async fn unknown_path(State(app): State<Arc<App>>, request: Request) -> Response {
    refused(StatusCode::NOT_FOUND, "there is no such path", request, &app).await
}

/// The router adds `Allow`.
async fn wrong_method(State(app): State<Arc<App>>, request: Request) -> Response {
    let message = "this path does not take this method";
    refused(StatusCode::METHOD_NOT_ALLOWED, message, request, &app).await
}

async fn refused(code: StatusCode, message: &str, request: Request, app: &Arc<App>) -> Response {
    let family = Family::of(request.uri().path());
    find_credentials(request, app).await;
    Problem::new(code, message).into_response(family)
}

/// The path is not known here, so the body suits both families.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a handler panicked");
    let body = r#"{"status":"error","error":"Internal Server Error","message":"internal error"}"#;
    let mut response = responses::json(body.to_owned());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}
