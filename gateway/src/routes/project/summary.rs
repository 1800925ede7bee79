//! GET /projects/P/jobsummary and /projects/jobsummaries → SummarizeProjects.

use spiderq_proto::v1::{JobState, ProjectSummary, SummarizeProjectsRequest};

use super::StorageResult;
use crate::{
    call::Call,
    errors::{StorageError, required},
    render::{Object, array, nullable},
    responses::json,
};

pub(in crate::routes) async fn jobsummary(call: Call) -> StorageResult {
    let summaries = read(&call, vec![call.project()?]).await?;
    let summary = required(summaries.first(), "summary")?;
    let pending_units_max = summary.pending_units_max.map(|max| max.to_string());
    let mut body = counts(summary);
    body.number("running_units_count", summary.running_units)
        .raw("pending_units_max", &nullable(pending_units_max));
    Ok(json(body.finish()))
}

/// With `state`, just the projects that have jobs in one of those states.
pub(in crate::routes) async fn jobsummaries(call: Call) -> StorageResult {
    let states = call.params.states()?;
    let summaries = read(&call, Vec::new()).await?;
    let wanted = summaries.iter().filter(|summary| {
        states.is_empty() || states.iter().any(|state| jobs_in(summary, *state) > 0)
    });
    Ok(json(array(wanted.map(|summary| counts(summary).finish()))))
}

async fn read(call: &Call, projects: Vec<i64>) -> Result<Vec<ProjectSummary>, StorageError> {
    let (mut message, mut summaries) =
        (SummarizeProjectsRequest { projects, ..Default::default() }, Vec::new());
    loop {
        let request = call.request(message.clone());
        let page = call.app.services.projects.summarize_projects(request).await?.into_inner();
        summaries.extend(page.summaries);
        message.page_token = page.next_page_token;
        if message.page_token.is_empty() {
            return Ok(summaries);
        }
    }
}

fn counts(summary: &ProjectSummary) -> Object {
    let mut body = Object::new();
    body.number("project", summary.project)
        .number("pending", summary.pending)
        .number("running", summary.running)
        .number("finished", summary.finished)
        .raw("has_capacity", &summary.has_capacity.to_string());
    body
}

fn jobs_in(summary: &ProjectSummary, state: i32) -> i64 {
    match JobState::try_from(state) {
        Ok(JobState::Pending) => summary.pending,
        Ok(JobState::Running) => summary.running,
        Ok(JobState::Finished) => summary.finished,
        Ok(JobState::Unspecified | JobState::Deleted) | Err(_) => 0,
    }
}
