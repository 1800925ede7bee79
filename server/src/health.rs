//! `/healthz` says that the process answers. `/readyz` says that its store, or its upstream,
//! answers too and that no shutdown has begun. Neither needs an API key, so that what they ask for
//! costs little, however often they are called, and only callers with a key read more than that.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Json, Router,
    http::{HeaderMap, HeaderValue, StatusCode, header::AUTHORIZATION},
    response::{IntoResponse as _, Response},
    routing::get,
};
use futures::future::BoxFuture;
use serde_json::{Value, json};
use spiderq_core::Origin;
use tokio::{sync::Mutex, time::Instant};

use crate::{
    public_paths::{HEALTHZ, READYZ},
    server::ShutdownFlag,
};

/// For how long an answer about the store or upstream is given again.
const FRESH: Duration = Duration::from_secs(1);

/// Asks what the server depends on; or why it is not ready.
pub(crate) type Check =
    Arc<dyn Fn() -> BoxFuture<'static, Result<Readiness, String>> + Send + Sync>;
/// Whether these credentials are an API key's.
pub(crate) type Authenticate =
    Arc<dyn Fn(HeaderValue, Option<Origin>) -> BoxFuture<'static, bool> + Send + Sync>;

/// What `/readyz` knows of a store that answers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Readiness {
    /// What an acknowledged write is worth; `None` where there is no store.
    pub(crate) durability: Option<(bool, String)>,
}

/// The last answer of the check, and when it came.
type Known = Option<(Instant, Result<Readiness, String>)>;

#[derive(Clone)]
struct Ready {
    check: Check,
    authenticate: Authenticate,
    shutdown: ShutdownFlag,
    known: Arc<Mutex<Known>>,
}

pub(crate) fn routes(check: Check, authenticate: Authenticate, shutdown: ShutdownFlag) -> Router {
    let alive = || async { Json(json!({"status": "ok"})) };
    let ready = Ready { check, authenticate, shutdown, known: Arc::default() };
    let ready = move |origin: Option<Extension<Origin>>, headers: HeaderMap| async move {
        ready.answer(origin.map(|Extension(origin)| origin), &headers).await
    };
    Router::new()
        .route(HEALTHZ, get(alive))
        .route(&format!("{HEALTHZ}/"), get(alive))
        .route(READYZ, get(ready.clone()))
        .route(&format!("{READYZ}/"), get(ready))
        .method_not_allowed_fallback(wrong_method)
}

impl Ready {
    async fn answer(&self, origin: Option<Origin>, headers: &HeaderMap) -> Response {
        if self.shutdown.is_set() {
            return unavailable("the server is about to end");
        }
        let durability = match self.ask().await {
            Ok(readiness) => readiness.durability,
            Err(message) => return unavailable(&message),
        };
        let mut report = json!({"status": "ok"});
        if let Some((is_durable, text)) = durability {
            report["durable"] = is_durable.into();
            // It names the settings of the store.
            if self.is_authenticated(origin, headers).await {
                report["durability"] = text.into();
            }
        }
        Json::<Value>(report).into_response()
    }

    /// One check at a time, and one a second, each to its end even if its caller goes away.
    async fn ask(&self) -> Result<Readiness, String> {
        let mut known = Arc::clone(&self.known).lock_owned().await;
        if let Some((since, answer)) = &*known
            && since.elapsed() < FRESH
        {
            return answer.clone();
        }
        let check = (self.check)();
        let checked = tokio::spawn(async move {
            let answer = check.await;
            *known = Some((Instant::now(), answer.clone()));
            answer
        });
        checked.await.unwrap_or_else(|_| Err("internal error".to_owned()))
    }

    async fn is_authenticated(&self, origin: Option<Origin>, headers: &HeaderMap) -> bool {
        match headers.get(AUTHORIZATION) {
            Some(credentials) => (self.authenticate)(credentials.clone(), origin).await,
            None => false,
        }
    }
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::{body::Body, http::Request};
    use futures::{FutureExt as _, future::join_all};
    use http_body_util::BodyExt as _;
    use tokio::time::{advance, pause};
    use tower::ServiceExt as _;

    use super::*;

    async fn get(routes: &Router, authorization: &str) -> Value {
        let mut request = Request::get("/readyz");
        if !authorization.is_empty() {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = request.body(Body::empty()).unwrap();
        let answer = routes.clone().oneshot(request).await.unwrap();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice(&body).unwrap()
    }

    #[tokio::test]
    async fn the_store_is_asked_once_a_second_and_only_a_key_reads_its_settings() {
        pause();
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let check: Check = Arc::new(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            async { Ok(Readiness { durability: Some((true, "appendonly yes".to_owned())) }) }
                .boxed()
        });
        let authenticate: Authenticate =
            Arc::new(|given, _| async move { given == "Bearer K" }.boxed());
        let routes = routes(check, authenticate, ShutdownFlag::default());
        let less = json!({"status": "ok", "durable": true});
        let more = json!({"status": "ok", "durable": true, "durability": "appendonly yes"});
        for answer in join_all((0..100).map(|_| get(&routes, ""))).await {
            assert_eq!(answer, less);
        }
        assert_eq!(get(&routes, "Bearer other").await, less);
        assert_eq!(get(&routes, "Bearer K").await, more);
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        advance(FRESH).await;
        assert_eq!(get(&routes, "").await, less);
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }
}
