//! GET /api/scrapyd/listprojects.json → ListProjects.

use spiderq_proto::v1::ListProjectsRequest;

use super::{DashResult, ok};
use crate::{call::Call, render::array};

pub(in crate::routes) async fn listprojects(call: Call) -> DashResult {
    let request = call.request(ListProjectsRequest {});
    let response = call.app.services.projects.list_projects(request).await?;
    let projects = response.into_inner().projects;
    Ok(ok(|body| {
        body.raw("projects", &array(projects.iter().map(i64::to_string)));
    }))
}
