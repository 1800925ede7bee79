//! POST /api/jobs/update.json → UpdateJobs, until no job that matches is left.

use std::collections::BTreeMap;

use http::StatusCode;
use spiderq_proto::v1::{JobFilter, TagChanges, UpdateJobsRequest};

use super::{DashResult, ok};
use crate::{accepted_values, call::Call, errors::Problem, params::Params, render::string};

/// Parameters that are not metadata.
const RESERVED: [&str; 10] = [
    "project",
    "job",
    "spider",
    "state",
    "has_tag",
    "lacks_tag",
    "startts",
    "endts",
    "add_tag",
    "remove_tag",
];
/// Parts of a list, which an update does not have. Taken as metadata, they would be set on more
/// jobs than the caller meant.
const LIST_PARTS: [&str; 2] = ["count", "offset"];

pub(in crate::routes) async fn update(call: Call) -> DashResult {
    let (mut message, mut count) = (decode(&call.params)?, 0);
    loop {
        let request = call.request(message.clone());
        let changed = call.app.services.jobs.update_jobs(request).await?.into_inner();
        count += changed.count;
        message.page_token = changed.next_page_token;
        if message.page_token.is_empty() {
            break;
        }
    }
    Ok(ok(|body| {
        body.number("count", count);
    }))
}

fn decode(params: &Params) -> Result<UpdateJobsRequest, Problem> {
    let project = params.project()?;
    let filter = params.job_filter("job")?;
    if filter == JobFilter::default() {
        return Err(known_by_text("No query filters provided"));
    }
    let (add, remove) = (params.all("add_tag"), params.all("remove_tag"));
    let metadata_json = metadata(params)?;
    if add.is_empty() && remove.is_empty() && metadata_json.is_empty() {
        return Err(known_by_text("No update modifiers provided"));
    }
    Ok(UpdateJobsRequest {
        project,
        filter: Some(filter),
        tag_changes: Some(TagChanges { add, remove, replace: false }),
        metadata_json,
        ..UpdateJobsRequest::default()
    })
}

/// Clients know these refusals by their text.
fn known_by_text(message: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, message)
}

fn metadata(params: &Params) -> Result<BTreeMap<String, String>, Problem> {
    let fields = params.others(&RESERVED)?.into_iter();
    fields.map(|(name, value)| Ok((name.clone(), json(&name, &value)?))).collect()
}

fn json(name: &str, value: &str) -> Result<String, Problem> {
    match name {
        "priority" => number(name, value, &accepted_values::PRIORITY),
        "units" => number(name, value, &accepted_values::UNITS),
        _ if LIST_PARTS.contains(&name) => {
            let accepted = "is not accepted here: all jobs that match are updated";
            Err(Problem::invalid(name, accepted))
        }
        _ => Ok(string(value)),
    }
}

fn number(name: &str, text: &str, accepted: &str) -> Result<String, Problem> {
    let number: u32 = text.trim().parse().map_err(|_| Problem::invalid(name, accepted))?;
    Ok(number.to_string())
}
