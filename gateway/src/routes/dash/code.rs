//! The paths by which code is deployed to the original service: 501, as runners bring their own.

use std::sync::Arc;

use axum::extract::{Request, State};
use http::StatusCode;
use http_body_util::{BodyExt as _, Limited};

use super::DashResult;
use crate::{auth::Presented, call::find_credentials, errors::Problem, services::App};

const NO_DEPLOYS: &str = "code is not deployed to this server: a runner has it in its folder or \
     image, see docs/runner.md";

/// Whatever the method and the body, which may be a large file. Whether the credentials are good,
/// the middleware asks.
pub(in crate::routes) async fn code(State(app): State<Arc<App>>, request: Request) -> DashResult {
    let presented = request.extensions().get::<Presented>();
    if presented.is_some_and(|presented| presented.get().is_some()) {
        // A client that is still sending does not see a response: the body is read, and not kept.
        let mut body = Limited::new(request.into_body(), app.options.max_body);
        while let Some(Ok(_)) = body.frame().await {}
    } else {
        find_credentials(request, &app).await;
    }
    Err(Problem::new(StatusCode::NOT_IMPLEMENTED, NO_DEPLOYS).into())
}
