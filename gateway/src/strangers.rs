//! Who is nobody learns nothing of what is accepted. A service checks the credentials of
//! each call; where the gateway refuses a request by itself, there is no call, and they
//! are checked here before the refusal goes out (CONTRACT 2).

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
    errors::{Family, Problem, Unchecked},
    params::Params,
    services::App,
};

/// Answers 401 in the place of a refusal that a stranger would get.
pub(crate) async fn learn_nothing(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    let family = Family::of(request.uri().path());
    let mut query = Params::parse(request.uri().query().unwrap_or_default().as_bytes());
    let credentials = auth::credentials(request.headers(), query.take("apikey").as_deref());
    let response = next.run(request).await;
    // Without any it was refused for that, or they were in a form, which is read by now.
    let (Some(credentials), true) = (credentials, tells(&response)) else {
        return response;
    };
    let mut request = tonic::Request::new(GetIdentityRequest {});
    request.metadata_mut().insert("authorization", credentials);
    match app.services.keys.get_identity(request).await {
        Err(status) if status.code() == Code::Unauthenticated => {
            Problem::unauthorized().answer(family)
        }
        Ok(_) | Err(_) => response,
    }
}

/// Whether the answer tells what would be accepted. That there is no such path is no secret.
fn tells(response: &Response) -> bool {
    let told = [
        StatusCode::BAD_REQUEST,
        StatusCode::PAYLOAD_TOO_LARGE,
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
    ];
    told.contains(&response.status()) && response.extensions().get::<Unchecked>().is_some()
}
