//! `/healthz`: the process answers. `/readyz`: its store, or its upstream, does too, and it
//! is not about to end.

use std::{future::Future, pin::Pin, sync::Arc};

use axum::{
    Json, Router,
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::get,
};
use serde_json::{Value, json};

use crate::running::Ending;

/// Says whether calls can be served, in the words of `/readyz`.
pub(crate) type Ready =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Value, String>> + Send>> + Send + Sync>;

/// The two paths; they need no key.
pub(crate) fn routes(ready: Ready, ending: Ending) -> Router {
    let alive = || async { Json(json!({"status": "ok"})) };
    let ready = move || async move {
        if ending.has_begun() {
            return unavailable("the server is about to end");
        }
        match ready().await {
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

/// The router adds `Allow`.
async fn wrong_method() -> Response {
    let body = json!({
        "error": "Method Not Allowed",
        "message": "this path does not take this method",
    });
    (StatusCode::METHOD_NOT_ALLOWED, Json(body)).into_response()
}
