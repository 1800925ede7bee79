//! Answers 401 to an unauthenticated caller, not a validation error (contract 2). A service
//! checks the credentials of each call that it gets; where the gateway refuses a request by
//! itself, it makes no call, and so the credentials are checked here before the refusal is sent.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::StatusCode;
use spiderq_proto::v1::GetIdentityRequest;
use tonic::Code;

use crate::{
    auth,
    errors::{CredentialsUnchecked, Family, Problem},
    params::Params,
    services::App,
};

/// Refusals that tell what the API accepts. That a path does not exist is no secret.
const HIDDEN: [StatusCode; 4] = [
    StatusCode::BAD_REQUEST,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    StatusCode::NOT_IMPLEMENTED,
];

/// Sends 401 in place of a refusal that the caller may not see.
pub(crate) async fn hide_refusals(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    let family = Family::of(request.uri().path());
    let mut query = Params::parse(request.uri().query().unwrap_or_default().as_bytes());
    let credentials = auth::credentials(request.headers(), query.take("apikey").as_deref());
    let response = next.run(request).await;
    // A request without credentials in header and query was refused for that, or had them in
    // its form, which has been read by now.
    let (Some(credentials), true) = (credentials, is_hidden(&response)) else {
        return response;
    };
    let mut request = tonic::Request::new(GetIdentityRequest {});
    request.metadata_mut().insert("authorization", credentials);
    match app.services.api_keys.get_identity(request).await {
        Err(status) if status.code() == Code::Unauthenticated => {
            Problem::unauthenticated().into_response(family)
        }
        Ok(_) | Err(_) => response,
    }
}

fn is_hidden(response: &Response) -> bool {
    let unchecked = response.extensions().get::<CredentialsUnchecked>().is_some();
    unchecked && HIDDEN.contains(&response.status())
}
