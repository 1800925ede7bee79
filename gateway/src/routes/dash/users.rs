//! GET /api/v2/users/me → GetIdentity: whose API key it is.

use spiderq_proto::v1::GetIdentityRequest;

use super::DashResult;
use crate::{
    call::Call,
    render::{Object, array, nullable, role},
    responses::json,
};

pub(in crate::routes) async fn me(call: Call) -> DashResult {
    let request = call.request(GetIdentityRequest {});
    let identity = call.app.services.api_keys.get_identity(request).await?.into_inner();
    // Without projects the key is good for all of them.
    let projects = identity.projects.iter().map(i64::to_string);
    let projects = (!identity.projects.is_empty()).then(|| array(projects));
    let mut body = Object::new();
    body.text("username", &identity.owner)
        .text("role", role(identity.role()))
        .raw("projects", &nullable(projects));
    Ok(json(body.finish()))
}
