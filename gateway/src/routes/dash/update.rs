//! POST /api/jobs/update.json → UpdateJobs.

use std::collections::BTreeMap;

use spiderq_proto::v1::{TagChanges, UpdateJobsRequest};

use super::{DashResult, ok};
use crate::{
    call::Call,
    errors::Problem,
    lines::{PRIORITY, UNITS},
    params::Params,
    render::string,
};

/// Parameters that are no metadata.
const KNOWN: [&str; 5] = ["project", "job", "spider", "add_tag", "remove_tag"];
/// Filters of lists: to take them for metadata would update more jobs than were meant.
const FILTERS: [&str; 5] = ["state", "has_tag", "lacks_tag", "count", "offset"];

pub(in crate::routes) async fn update(call: Call) -> DashResult {
    let request = call.request(decode(&call.params)?);
    let answer = call.app.services.jobs.update_jobs(request).await?;
    Ok(ok(Some(("count", answer.into_inner().count))))
}

fn decode(params: &Params) -> Result<UpdateJobsRequest, Problem> {
    let keys = params.all("job");
    let spider = match params.last("spider") {
        // With keys, the legacy client repeats the spider of its list.
        Some(spider) if keys.is_empty() => spider.to_owned(),
        _ => String::new(),
    };
    if keys.is_empty() && spider.is_empty() {
        return Err(Problem::invalid("job", "is required, or spider"));
    }
    Ok(UpdateJobsRequest {
        project: params.project()?,
        keys,
        spider,
        tags: Some(TagChanges {
            add: params.all("add_tag"),
            remove: params.all("remove_tag"),
            replace: false,
        }),
        metadata: metadata(params)?,
    })
}

fn metadata(params: &Params) -> Result<BTreeMap<String, String>, Problem> {
    let mut metadata = BTreeMap::new();
    for (name, value) in params.others(&KNOWN) {
        if FILTERS.contains(&name) {
            return Err(Problem::invalid(
                name,
                "is not accepted here: name the jobs with job or spider",
            ));
        }
        let json = match name {
            "priority" => number(name, value, PRIORITY)?,
            "units" => number(name, value, UNITS)?,
            _ => string(value),
        };
        metadata.insert(name.to_owned(), json);
    }
    Ok(metadata)
}

fn number(name: &str, text: &str, accepted: &str) -> Result<String, Problem> {
    let number: u32 = text.trim().parse().map_err(|_| Problem::invalid(name, accepted))?;
    Ok(number.to_string())
}
