//! GET /api/settings/get.json → GetProjectSettings: what tools that deploy code ask of a project. Only
//! the project's own settings are known here.

use spiderq_proto::v1::GetProjectSettingsRequest;

use super::DashResult;
use crate::{call::Call, render::Object, responses::json};

pub(in crate::routes) async fn settings(call: Call) -> DashResult {
    let request = call.request(GetProjectSettingsRequest { project: call.params.project()? });
    let response = call.app.services.projects.get_project_settings(request).await?;
    let mut settings = Object::new();
    for (name, value) in &response.into_inner().settings_json {
        settings.raw(name, value);
    }
    let mut body = Object::new();
    body.raw("project_settings", &settings.finish())
        .raw("organization_settings", "{}")
        .raw("enabled_addons", "[]");
    Ok(json(body.finish()))
}
