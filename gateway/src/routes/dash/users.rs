//! GET /api/v2/users/me → GetIdentity: whose key it is.

use spiderq_proto::v1::{GetIdentityRequest, Role};

use super::{DashResult, json};
use crate::{call::Call, render::Object};

pub(in crate::routes) async fn me(call: Call) -> DashResult {
    let request = call.request(GetIdentityRequest {});
    let answer = call.app.services.keys.get_identity(request).await?;
    let identity = answer.into_inner();
    let projects: Vec<String> = identity.projects.iter().map(i64::to_string).collect();
    let mut body = Object::new();
    body.text("username", &identity.name).text("role", role(identity.role()));
    match projects.is_empty() {
        true => body.raw("projects", "null"),
        false => body.raw("projects", &format!("[{}]", projects.join(","))),
    };
    Ok(json(body.finish()))
}

const fn role(role: Role) -> &'static str {
    match role {
        Role::Unspecified => "unknown",
        Role::Read => "read",
        Role::Worker => "worker",
        Role::User => "user",
        Role::Admin => "admin",
    }
}
