//! `/healthz`: the process answers. `/readyz`: its store, or its upstream, does too.

use std::{future::Future, pin::Pin, sync::Arc};

use axum::{Json, Router, http::StatusCode, routing::get};
use serde_json::{Value, json};

/// Says whether calls can be served, in the words of `/readyz`.
pub(crate) type Ready =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Value, String>> + Send>> + Send + Sync>;

/// The two paths; they need no key.
pub(crate) fn routes(ready: Ready) -> Router {
    let alive = || async { Json(json!({"status": "ok"})) };
    let ready = move || async move {
        match ready().await {
            Ok(report) => (StatusCode::OK, Json(report)),
            Err(message) => (
                StatusCode::SERVICE_UNAVAILABLE,
                Json(json!({"status": "unavailable", "message": message})),
            ),
        }
    };
    Router::new()
        .route("/healthz", get(alive))
        .route("/healthz/", get(alive))
        .route("/readyz", get(ready.clone()))
        .route("/readyz/", get(ready))
}
