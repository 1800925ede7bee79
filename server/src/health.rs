//! `/healthz` says that the process answers. `/readyz` says that its store, or its upstream,
//! answers too and that no shutdown has begun. Neither needs an API key.

use std::sync::Arc;

use axum::{
    Json, Router,
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::get,
};
use futures::future::BoxFuture;
use serde_json::{Value, json};

use crate::server::ShutdownFlag;

/// Asks what the server depends on; gives the body of `/readyz`, or why it is not ready.
pub(crate) type Check = Arc<dyn Fn() -> BoxFuture<'static, Result<Value, String>> + Send + Sync>;

pub(crate) fn routes(check: Check, shutdown: ShutdownFlag) -> Router {
    let alive = || async { Json(json!({"status": "ok"})) };
    let ready = move || async move {
        if shutdown.is_set() {
            return unavailable("the server is about to end");
        }
        match check().await {
            Ok(report) => Json(report).into_response(),
            Err(message) => unavailable(&message),
        }
    };
    Router::new()
        .route("/healthz", get(alive))
        .route("/healthz/", get(alive))
        .route("/readyz", get(ready.clone()))
        .route("/readyz/", get(ready))
        .method_not_allowed_fallback(wrong_method)
}

fn unavailable(message: &str) -> Response {
    let body = json!({"status": "unavailable", "message": message});
    (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
}

/// The router adds the header `Allow`.
async fn wrong_method() -> Response {
    let body = json!({
        "error": "Method Not Allowed",
        "message": "this path does not take this method",
    });
    (StatusCode::METHOD_NOT_ALLOWED, Json(body)).into_response()
}
