//! GET /projects/P/jobsummary and /projects/jobsummaries → SummarizeProjects.

use spiderq_proto::v1::{JobState, ProjectSummary, SummarizeProjectsRequest};

use super::{StorageResult, json};
use crate::{call::Call, errors::StorageError, render::Object};

pub(in crate::routes) async fn jobsummary(call: Call) -> StorageResult {
    let summaries = read(&call, vec![call.project()?]).await?;
    let summary = summaries.into_iter().next().unwrap_or_default();
    let mut body = counts(&summary);
    body.number("running_units_count", summary.running_units);
    match summary.pending_units_max {
        Some(most) => body.number("pending_units_max", most),
        None => body.raw("pending_units_max", "null"),
    };
    Ok(json(body.finish()))
}

/// With `state`, just projects that have jobs in one of those.
pub(in crate::routes) async fn jobsummaries(call: Call) -> StorageResult {
    let states = call.params.states()?;
    let mut summaries = read(&call, Vec::new()).await?;
    summaries.retain(|summary| {
        let any = states.iter().any(|state| jobs_in(summary, *state) > 0);
        states.is_empty() || any
    });
    let objects = summaries.iter().map(|summary| counts(summary).finish());
    let objects: Vec<String> = objects.collect();
    Ok(json(format!("[{}]", objects.join(","))))
}

async fn read(call: &Call, projects: Vec<i64>) -> Result<Vec<ProjectSummary>, StorageError> {
    let request = call.request(SummarizeProjectsRequest { projects });
    let answer = call.app.services.projects.summarize_projects(request).await?;
    Ok(answer.into_inner().summaries)
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
