//! Answers 401 to an unauthenticated caller, and nothing else (contract 2). A service checks the
//! credentials of each call that it gets; where the gateway refuses a request by itself, be it for
//! its path, its method or its parameters, it makes no call, and so the credentials are checked
//! here before the refusal is sent.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::StatusCode;
use spiderq_core::Origin;

use crate::{
    auth::{Credentials, Presented},
    errors::{CredentialsUnchecked, Family, Problem},
    services::App,
};

/// Paths that need no credentials: one may bring them, or say who is signed in.
pub const PUBLIC_PATHS: [&str; 3] = ["/system/ts", "/openapi.json", "/session"];

/// Sends 401 in place of a refusal that the caller may not see.
pub(crate) async fn hide_refusals(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    let is_public = PUBLIC_PATHS.contains(&request.uri().path().trim_end_matches('/'));
    let family = Family::of(request.uri().path());
    let (mut head, body) = request.into_parts();
    let presented = Presented::of(&head);
    head.extensions.insert(presented.clone());
    let origin = head.extensions.get::<Origin>().cloned();
    let response = next.run(Request::from_parts(head, body)).await;
    if is_public || !is_hidden(&response) || may_be_valid(&app, presented.get(), origin).await {
        return response;
    }
    Problem::unauthenticated().into_response(family)
}

/// Whether the response is a refusal of the gateway's own that says what is accepted. A body that
/// stopped arriving, or found no memory, gets none: credentials may have been in it.
fn is_hidden(response: &Response) -> bool {
    let unchecked = response.extensions().get::<CredentialsUnchecked>().is_some();
    let refuses = |status: StatusCode| match status {
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => false,
        StatusCode::NOT_IMPLEMENTED => true,
        status => status.is_client_error(),
    };
    unchecked && refuses(response.status())
}

/// Where they cannot be checked in time, the refusal is sent as it is: it tells nothing but the
/// form of requests.
async fn may_be_valid(
    app: &App,
    credentials: Option<&Credentials>,
    origin: Option<Origin>,
) -> bool {
    let Some(credentials) = credentials else { return false };
    let name = app.known_callers.name_of(&app.services, credentials, origin.as_ref());
    match tokio::time::timeout(app.options.timeout, name).await {
        Ok(Err(problem)) => !problem.is_unauthenticated(),
        Ok(Ok(_)) | Err(_) => true,
    }
}
