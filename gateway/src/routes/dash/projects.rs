//! GET /api/scrapyd/listprojects.json → ListProjects.

use spiderq_proto::v1::ListProjectsRequest;

use super::{DashResult, json};
use crate::{call::Call, render::Object};

pub(in crate::routes) async fn listprojects(call: Call) -> DashResult {
    let request = call.request(ListProjectsRequest {});
    let answer = call.app.services.projects.list_projects(request).await?;
    let projects = answer.into_inner().projects;
    let projects: Vec<String> = projects.iter().map(i64::to_string).collect();
    let mut body = Object::new();
    body.text("status", "ok").raw("projects", &format!("[{}]", projects.join(",")));
    Ok(json(body.finish()))
}
