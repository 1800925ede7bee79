//! GET /api/scrapyd/listprojects.json → ListProjects, page by page.

use spiderq_proto::v1::ListProjectsRequest;

use super::{DashResult, ok};
use crate::{call::Call, render::array};

pub(in crate::routes) async fn listprojects(call: Call) -> DashResult {
    let (mut message, mut projects) = (ListProjectsRequest::default(), Vec::new());
    loop {
        let request = call.request(message.clone());
        let page = call.app.services.projects.list_projects(request).await?.into_inner();
        projects.extend(page.projects.iter().map(|project| project.id.to_string()));
        message.page_token = page.next_page_token;
        if message.page_token.is_empty() {
            break;
        }
    }
    Ok(ok(|body| {
        body.raw("projects", &array(projects));
    }))
}
