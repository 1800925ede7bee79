//! Limits how long a response may take to begin, counted from when its request has arrived. A
//! body that has begun may take as long as it needs.

use std::{pin::pin, sync::Arc};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::StatusCode;
use tokio::sync::Notify;

use crate::{
    errors::{Family, Problem},
    services::App,
};

/// Set once a request's body has been read. Travels in the request's extensions.
#[derive(Clone, Default)]
pub(crate) struct BodyRead(Arc<Notify>);

impl BodyRead {
    pub(crate) fn set(&self) {
        self.0.notify_one();
    }
}

/// Answers 504 in place of a handler that takes too long, and drops its work.
pub(crate) async fn limit_time_to_response(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    let family = Family::of(request.uri().path());
    let body_read = BodyRead::default();
    request.extensions_mut().insert(body_read.clone());
    let mut response = pin!(next.run(request));
    // Until the body is there, the listener's own timeouts hold.
    tokio::select! {
        response = &mut response => return response,
        () = body_read.0.notified() => {}
    }
    let limit = app.options.timeout;
    tokio::time::timeout(limit, response).await.unwrap_or_else(|_| {
        let message = format!("no answer within {} s", limit.as_secs_f32());
        Problem::new(StatusCode::GATEWAY_TIMEOUT, message).into_response(family)
    })
}
