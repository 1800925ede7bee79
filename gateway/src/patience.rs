//! How long an answer may take to begin, counted from where its request is there. A body
//! that has begun may take as long as it needs.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::StatusCode;
use tokio::{sync::Notify, time::timeout};

use crate::{
    errors::{Family, Problem},
    services::App,
};

/// Told when a request's body is there. Travels in the request's extensions.
#[derive(Clone, Default)]
pub(crate) struct Received(Arc<Notify>);

impl Received {
    pub(crate) fn tell(&self) {
        self.0.notify_one();
    }

    async fn overdue(&self, limit: Duration) {
        self.0.notified().await;
        // Is told once.
        let _ = timeout(limit, self.0.notified()).await;
    }
}

/// Answers 504 in place of a handler that takes too long, and drops its work.
pub(crate) async fn bounded(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    let family = Family::of(request.uri().path());
    let received = Received::default();
    request.extensions_mut().insert(received.clone());
    let limit = app.options.timeout;
    tokio::select! {
        answer = next.run(request) => answer,
        () = received.overdue(limit) => {
            let told = format!("no answer within {} s", limit.as_secs_f32());
            Problem::new(StatusCode::GATEWAY_TIMEOUT, told).answer(family)
        }
    }
}
