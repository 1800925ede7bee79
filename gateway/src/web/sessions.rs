//! POST /session → CreateSession: a key becomes the cookie of a browser. GET says whose it is, by
//! GetIdentity; DELETE takes it away. A session ends with its key or with its time, so there is
//! nothing to tell a service when somebody signs out.

use std::sync::Arc;

use axum::{body::Body, extract::State, response::Response};
use http::{
    HeaderMap, Request, StatusCode,
    header::{CONTENT_TYPE, ORIGIN, SET_COOKIE},
};
use serde::Deserialize;
use spiderq_core::Origin;
use spiderq_proto::{
    time::timestamp_ms,
    v1::{CreateSessionRequest, GetIdentityRequest},
};
use tonic::metadata::MetadataValue;

use super::session_cookie::cookie;
use crate::{
    auth,
    body::read_keyless,
    call::Call,
    content_encoding::ContentEncoding,
    errors::{Problem, StorageError, required},
    middleware::{request_id::REQUEST_ID, timeout::BodyRead},
    render::{Object, array, nullable, role},
    responses::json,
    services::App,
};

type Result<T> = std::result::Result<T, StorageError>;

pub(crate) const SESSION: &str = "/session";

#[derive(Deserialize)]
struct Login {
    api_key: String,
}

pub(crate) async fn sign_in(
    State(app): State<Arc<App>>,
    request: Request<Body>,
) -> Result<Response> {
    let (head, body) = request.into_parts();
    check_type(&head.headers)?;
    let encoding = ContentEncoding::of(&head.headers)?;
    let (body, memory) = read_keyless(body, encoding, app.options.memory.anonymous()).await?;
    if let Some(body_read) = head.extensions.get::<BodyRead>() {
        body_read.set();
    }
    let login: Login = serde_json::from_slice(&body)
        .map_err(|_| Problem::invalid("body", "must be {\"api_key\":\"KEY\"}"))?;
    let no_headers = HeaderMap::new();
    let credentials = auth::credentials(&no_headers, Some(login.api_key.trim()));
    let mut call = tonic::Request::new(CreateSessionRequest {});
    call.metadata_mut().insert("authorization", credentials.ok_or_else(Problem::unauthenticated)?);
    if let Some(id) = head.headers.get(REQUEST_ID)
        && let Ok(id) = MetadataValue::try_from(id.as_bytes())
    {
        call.metadata_mut().insert(REQUEST_ID, id);
    }
    if let Some(origin) = head.extensions.get::<Origin>() {
        call.extensions_mut().insert(origin.clone());
    }
    let made = app.services.api_keys.create_session(call).await?.into_inner();
    drop(memory);
    let seconds = required(made.lifetime, "lifetime")?.seconds;
    let seconds = u64::try_from(seconds).unwrap_or_default();
    Ok(with_cookie(&app, &head.headers, Some((&made.session, seconds))))
}

/// Anybody may lose a session: refused to pages of other sites, as every write.
pub(crate) async fn sign_out(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    with_cookie(&app, &headers, None)
}

pub(crate) async fn who(call: Call) -> Result<Response> {
    let request = call.request(GetIdentityRequest {});
    let identity = call.app.services.api_keys.get_identity(request).await?.into_inner();
    let projects = identity.projects.iter().map(i64::to_string);
    let projects = (!identity.projects.is_empty()).then(|| array(projects));
    let expires = identity.session_expire_time.as_ref().map(|time| timestamp_ms(time).to_string());
    let mut body = Object::new();
    body.text("owner", &identity.owner)
        .text("role", role(identity.role()))
        .raw("projects", &nullable(projects))
        .raw("expires_time", &nullable(expires));
    Ok(json(body.finish()))
}

/// A form of another site cannot have this type.
fn check_type(headers: &HeaderMap) -> std::result::Result<(), Problem> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let code = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    Err(Problem::of_field(code, "Content-Type", "must be application/json"))
}

fn with_cookie(app: &App, headers: &HeaderMap, session: Option<(&str, u64)>) -> Response {
    let base = app.options.page.as_ref().map(|page| page.base.clone()).unwrap_or_default();
    // What the browser sees, which may talk to a proxy that ends TLS.
    let over_tls = match headers.get(ORIGIN) {
        Some(origin) => origin.as_bytes().starts_with(b"https://"),
        None => app.options.public_url.starts_with("https://"),
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    if let Some(cookie) = cookie(session, &base, over_tls) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}
