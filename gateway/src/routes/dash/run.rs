//! POST /api/run.json and /api/schedule.json → ScheduleJob.

use std::collections::BTreeMap;

use spiderq_proto::v1::ScheduleJobRequest;

use super::{DashResult, json};
use crate::{
    call::Call,
    errors::Problem,
    lines::{Fields, PRIORITY, UNITS},
    params::Params,
    render::{Object, string},
};

/// Parameters that are no spider arguments.
const KNOWN: [&str; 11] = [
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
    let mut message = decode(&call.params)?;
    message.request_id = call.request_id()?;
    let base = call.app.options.public_url.trim_end_matches('/');
    let api_url = string(&format!("{base}/api/"));
    message.metadata.insert("api_url".to_owned(), api_url);
    let request = call.request(message);
    let answer = call.app.services.jobs.schedule_job(request).await?;
    let mut body = Object::new();
    body.text("status", "ok").text("jobid", &answer.into_inner().key);
    Ok(json(body.finish()))
}

fn decode(params: &Params) -> Result<ScheduleJobRequest, Problem> {
    let mut request = ScheduleJobRequest {
        project: params.project()?,
        tags: params.all("add_tag"),
        priority: params.number("priority", PRIORITY)?,
        units: params.number("units", UNITS)?,
        cmd_args: params.last("cmd_args").map(str::to_owned),
        job_settings: job_settings(params)?,
        version: params.last("version").map(str::to_owned),
        ..ScheduleJobRequest::default()
    };
    spider(&mut request, params)?;
    meta(&mut request, params)?;
    environment(&mut request, params)?;
    let arguments = params.others(&KNOWN);
    let arguments = arguments.map(|(name, value)| (name.to_owned(), value.to_owned()));
    request.spider_args.extend(arguments);
    Ok(request)
}

fn spider(request: &mut ScheduleJobRequest, params: &Params) -> Result<(), Problem> {
    let number = params.number("jobq_id", "must be a positive integer")?;
    request.spider_id = match number {
        Some(number) if number < 1 => {
            return Err(Problem::invalid("jobq_id", "must be a positive integer"));
        }
        Some(number) => number,
        None => 0,
    };
    match params.last("spider") {
        None if number.is_none() => {
            Err(Problem::invalid("spider", "is required, the name of a spider"))
        }
        Some("") if number.is_none() => Err(Problem::invalid("spider", "must not be empty")),
        name => {
            name.unwrap_or_default().clone_into(&mut request.spider);
            Ok(())
        }
    }
}

fn job_settings(params: &Params) -> Result<Option<String>, Problem> {
    let Some(text) = params.last("job_settings") else {
        return Ok(None);
    };
    object("job_settings", text)?;
    Ok(Some(text.trim().to_owned()))
}

/// Kept as it was written, also when it is empty; a map would know neither.
fn environment(request: &mut ScheduleJobRequest, params: &Params) -> Result<(), Problem> {
    if let Some(text) = params.last("environment") {
        serde_json::from_str::<BTreeMap<String, String>>(text)
            .map_err(|_| Problem::invalid("environment", "must be a JSON object of strings"))?;
        let text = text.trim().to_owned();
        request.metadata.insert("environment".to_owned(), text);
    }
    Ok(())
}

/// `meta` goes to the metadata, but for what has a place of its own. A parameter goes
/// before its twin in `meta`.
fn meta(request: &mut ScheduleJobRequest, params: &Params) -> Result<(), Problem> {
    let Some(text) = params.last("meta") else {
        return Ok(());
    };
    let mut fields = object("meta", text)?;
    let inside = |problem: Problem| Problem::invalid("meta", problem.into_message());
    request.state = fields.state().map_err(inside)?.into();
    request.priority = request.priority.or(fields.priority().map_err(inside)?);
    request.units = request.units.or(fields.units().map_err(inside)?);
    request.tags.extend(fields.tags().map_err(inside)?);
    let arguments = fields.typed("spider_args", "must be an object of strings");
    request.spider_args = arguments.map_err(inside)?.unwrap_or_default();
    request.metadata = fields.into_metadata();
    Ok(())
}

fn object<'a>(name: &str, text: &'a str) -> Result<Fields<'a>, Problem> {
    Fields::parse(text).map_err(|_| Problem::invalid(name, "must be a JSON object"))
}
