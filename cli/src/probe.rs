//! `/healthz`: the process answers. `/readyz`: its store, or its upstream, does too.

use std::{future::Future, pin::Pin, sync::Arc};

use axum::{Json, Router, http::StatusCode, routing::get};
use serde_json::{Value, json};

/// Says whether calls can be served, in the words of `/readyz`.
pub(crate) type Ready =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Value, String>> + Send>> + Send + Sync>;

/// The two paths; they need no key.
pub(crate) fn routes(ready: Ready) -> Router {
    Router::new()
        .route("/healthz", get(|| async { Json(json!({"status": "ok"})) }))
        .route(
            "/readyz",
            get(move || async move {
                match ready().await {
                    Ok(report) => (StatusCode::OK, Json(report)),
                    Err(message) => (
                        StatusCode::SERVICE_UNAVAILABLE,
                        Json(json!({"status": "unavailable", "message": message})),
                    ),
                }
            }),
        )
}
