//! POST /api/jobs/update.json → UpdateJobs.

use std::collections::BTreeMap;

use spiderq_proto::v1::{TagChanges, UpdateJobsRequest};

use super::{DashResult, ok};
use crate::{accepted_values, call::Call, errors::Problem, params::Params, render::string};

/// Parameters that are not metadata.
const RESERVED: [&str; 5] = ["project", "job", "spider", "add_tag", "remove_tag"];
/// Filters of the list paths. They are refused: taken as metadata, they would be set on more
/// jobs than the caller meant.
const LIST_FILTERS: [&str; 5] = ["state", "has_tag", "lacks_tag", "count", "offset"];

pub(in crate::routes) async fn update(call: Call) -> DashResult {
    let request = call.request(decode(&call.params)?);
    let count = call.app.services.jobs.update_jobs(request).await?.into_inner().count;
    Ok(ok(|body| {
        body.number("count", count);
    }))
}

fn decode(params: &Params) -> Result<UpdateJobsRequest, Problem> {
    let keys = params.all("job");
    let spider = match params.one("spider")? {
        // The legacy client sends the spider of its list along with job keys.
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
    let fields = params.others(&RESERVED)?.into_iter();
    fields.map(|(name, value)| Ok((name.clone(), json(&name, &value)?))).collect()
}

fn json(name: &str, value: &str) -> Result<String, Problem> {
    match name {
        "priority" => number(name, value, &accepted_values::PRIORITY),
        "units" => number(name, value, &accepted_values::UNITS),
        _ if LIST_FILTERS.contains(&name) => {
            let accepted = "is not accepted here: name the jobs with job or spider";
            Err(Problem::invalid(name, accepted))
        }
        _ => Ok(string(value)),
    }
}

fn number(name: &str, text: &str, accepted: &str) -> Result<String, Problem> {
    let number: u32 = text.trim().parse().map_err(|_| Problem::invalid(name, accepted))?;
    Ok(number.to_string())
}
