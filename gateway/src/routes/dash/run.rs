//! POST /api/run.json and /api/schedule.json → ScheduleJob.

use std::collections::BTreeMap;

use spiderq_core::model::{JsonText, READABLE};
use spiderq_proto::v1::{NewJob, ScheduleJobRequest, ScheduleJobResponse, SpiderRef};
use tonic::{Code, Status};

use super::{DashResult, ok};
use crate::{
    accepted_values,
    call::Call,
    errors::{Problem, required},
    json_fields::Fields,
    params::{Params, SPIDER_ARGS},
    render::{string, strings},
    spider_ref::{by_id, by_name},
};

/// Parameters that are not spider arguments.
const RESERVED: [&str; 11] = [
    "project",
    "spider",
    "jobq_id",
    "add_tag",
    "priority",
    "units",
    "job_settings",
    "cmd_args",
    "environment",
    "meta",
    "version",
];

pub(in crate::routes) async fn run(call: Call) -> DashResult {
    let project = call.params.project()?;
    let mut job = decode(&call.params)?;
    let request_id = call.idempotency_key()?;
    let base = call.app.options.public_url.trim_end_matches('/');
    let api_url = string(&format!("{base}/api/"));
    job.metadata_json.insert("api_url".to_owned(), api_url);
    let request = call.request(ScheduleJobRequest { project, job: Some(job), request_id });
    let response = call.app.services.jobs.schedule_job(request).await.map_err(refusal)?;
    let ScheduleJobResponse { job, warnings } = response.into_inner();
    let job = required(job, "job")?;
    Ok(ok(|body| {
        body.text("jobid", &job.key);
        if !warnings.is_empty() {
            let texts: Vec<String> = warnings.into_iter().map(|one| one.message).collect();
            body.raw("warnings", &strings(&texts));
        }
    }))
}

/// Only a spider may not be found: one that is named by its number.
fn refusal(status: Status) -> Problem {
    let is_unknown_spider = status.code() == Code::NotFound;
    let problem = Problem::from(status);
    match is_unknown_spider {
        true => problem.into_invalid("jobq_id", accepted_values::SPIDER_ID),
        false => problem,
    }
}

fn decode(params: &Params) -> Result<NewJob, Problem> {
    let mut job = NewJob {
        tags: params.all("add_tag"),
        priority: params.number_32("priority", &accepted_values::PRIORITY)?,
        units: params.number_32("units", &accepted_values::UNITS)?,
        cmd_args: params.one("cmd_args")?.map(str::to_owned),
        job_settings_json: job_settings(params)?,
        ..NewJob::default()
    };
    // May be empty, which in the message's own field means that there is none.
    let version = params.one("version")?.map(string);
    job.spider = Some(spider(params)?);
    add_meta(&mut job, params)?;
    job.metadata_json.extend(version.map(|version| ("version".to_owned(), version)));
    add_environment(&mut job, params)?;
    if params.one(SPIDER_ARGS)?.is_some() {
        return Err(Problem::invalid(SPIDER_ARGS, accepted_values::SPIDER_ARGS));
    }
    job.spider_args.extend(params.others(&RESERVED)?);
    Ok(job)
}

/// By name or by number; by name where both are given.
fn spider(params: &Params) -> Result<SpiderRef, Problem> {
    let id: Option<i64> = params.number("jobq_id", accepted_values::POSITIVE)?;
    if id.is_some_and(|id| id < 1) {
        return Err(Problem::invalid("jobq_id", accepted_values::POSITIVE));
    }
    match (params.one("spider")?, id) {
        (None | Some(""), Some(id)) => Ok(by_id(id)),
        (None, None) => Err(Problem::invalid("spider", accepted_values::SPIDER)),
        (Some(""), None) => Err(Problem::invalid("spider", "must not be empty")),
        (Some(name), _) => Ok(by_name(name)),
    }
}

/// Empty where there are none.
fn job_settings(params: &Params) -> Result<String, Problem> {
    let Some(text) = params.one("job_settings")? else {
        return Ok(String::new());
    };
    object("job_settings", text)?;
    Ok(text.trim().to_owned())
}

/// The environment becomes metadata, with the text as it was sent. The message's own field is a
/// map: it would lose how the object was written, and an empty one altogether.
fn add_environment(job: &mut NewJob, params: &Params) -> Result<(), Problem> {
    if let Some(text) = params.one("environment")? {
        serde_json::from_str::<BTreeMap<String, String>>(text)
            .map_err(|_| Problem::invalid("environment", "must be a JSON object of strings"))?;
        let text = text.trim().to_owned();
        job.metadata_json.insert("environment".to_owned(), text);
    }
    Ok(())
}

/// What the message has a field for goes there, the rest of `meta` to the metadata. A parameter
/// takes precedence over the same field of `meta`.
fn add_meta(job: &mut NewJob, params: &Params) -> Result<(), Problem> {
    let Some(text) = params.one("meta")? else {
        return Ok(());
    };
    let mut fields = object("meta", text)?;
    // To the service, what it has no field for is any metadata.
    if !JsonText::stored(text.to_owned()).is_readable() {
        return Err(Problem::invalid("meta", READABLE));
    }
    let mut take = || -> Result<(), Problem> {
        job.state = fields.take_state()?.into();
        job.priority = job.priority.or(fields.take_priority()?);
        job.units = job.units.or(fields.take_units()?);
        job.tags.extend(fields.take_strings("tags")?);
        let arguments = fields.take("spider_args", "must be an object of strings")?;
        job.spider_args = arguments.unwrap_or_default();
        Ok(())
    };
    take().map_err(|problem| Problem::invalid("meta", problem.into_message()))?;
    job.metadata_json = fields.into_metadata();
    Ok(())
}

fn object<'a>(name: &str, text: &'a str) -> Result<Fields<'a>, Problem> {
    Fields::parse(text).map_err(|_| Problem::invalid(name, accepted_values::JSON_OBJECT))
}
