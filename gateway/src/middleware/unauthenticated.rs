//! Answers 401 to an unauthenticated caller, and nothing else (contract 2). A service checks the
//! credentials of each call that it gets; where the gateway refuses a request by itself, be it for
//! its path, its method or its parameters, it makes no call, and so the credentials are checked
//! here before the refusal is sent.
//!
//! A browser asks its reader for a password where a 401 has `WWW-Authenticate`. The scripts of a page
//! ask by themselves, and theirs has none.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, HeaderName, StatusCode, header::WWW_AUTHENTICATE};
use spiderq_core::Origin;

use crate::{
    auth::{Credentials, Presented},
    errors::{CredentialsUnchecked, Family, Problem},
    services::App,
};

/// Paths that need no credentials: one may bring them, or say who is signed in.
pub const PUBLIC_PATHS: [&str; 3] = ["/system/ts", "/openapi.json", "/session"];

/// How a browser uses the response: `navigate` is for its reader (Fetch Metadata, section 2.3).
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// Sends 401 in place of a refusal that the caller may not see.
pub(crate) async fn hide_refusals(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    let is_of_script = is_of_script(request.headers());
    let mut response = hidden(&app, request, next).await;
    if is_of_script {
        response.headers_mut().remove(WWW_AUTHENTICATE);
    }
    response
}

fn is_of_script(headers: &HeaderMap) -> bool {
    headers.get(SEC_FETCH_MODE).is_some_and(|mode| mode != "navigate")
}

async fn hidden(app: &App, request: Request, next: Next) -> Response {
    let is_public = PUBLIC_PATHS.contains(&request.uri().path().trim_end_matches('/'));
    let family = Family::of(request.uri().path());
    let (mut head, body) = request.into_parts();
    let presented = Presented::of(&head);
    head.extensions.insert(presented.clone());
    let origin = head.extensions.get::<Origin>().cloned();
    let response = next.run(Request::from_parts(head, body)).await;
    if is_public || !is_hidden(&response) || may_be_valid(app, presented.get(), origin).await {
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
