//! POST /api/run.json and /api/schedule.json → ScheduleJob.

use std::collections::BTreeMap;

use spiderq_core::model::{JsonText, READABLE};
use spiderq_proto::v1::ScheduleJobRequest;

use super::{DashResult, ok};
use crate::{
    accepted_values,
    call::Call,
    errors::Problem,
    json_fields::Fields,
    params::{Params, SPIDER_ARGS},
    render::string,
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
    let mut message = decode(&call.params)?;
    message.request_id = call.idempotency_key()?;
    let base = call.app.options.public_url.trim_end_matches('/');
    let api_url = string(&format!("{base}/api/"));
    message.metadata.insert("api_url".to_owned(), api_url);
    let request = call.request(message);
    let job_key = call.app.services.jobs.schedule_job(request).await?.into_inner().key;
    Ok(ok(|body| {
        body.text("jobid", &job_key);
    }))
}

fn decode(params: &Params) -> Result<ScheduleJobRequest, Problem> {
    let mut request = ScheduleJobRequest {
        project: params.project()?,
        tags: params.all("add_tag"),
        priority: params.number("priority", &accepted_values::PRIORITY)?,
        units: params.number("units", &accepted_values::UNITS)?,
        cmd_args: params.one("cmd_args")?.map(str::to_owned),
        job_settings: job_settings(params)?,
        version: params.one("version")?.map(str::to_owned),
        ..ScheduleJobRequest::default()
    };
    add_spider(&mut request, params)?;
    add_meta(&mut request, params)?;
    add_environment(&mut request, params)?;
    if params.one(SPIDER_ARGS)?.is_some() {
        return Err(Problem::invalid(SPIDER_ARGS, accepted_values::SPIDER_ARGS));
    }
    request.spider_args.extend(params.others(&RESERVED)?);
    Ok(request)
}

/// By name or by number. Where both are given, the service takes the name.
fn add_spider(request: &mut ScheduleJobRequest, params: &Params) -> Result<(), Problem> {
    let id: Option<i64> = params.number("jobq_id", accepted_values::POSITIVE)?;
    if id.is_some_and(|id| id < 1) {
        return Err(Problem::invalid("jobq_id", accepted_values::POSITIVE));
    }
    let name = match (params.one("spider")?, id) {
        (None, None) => return Err(Problem::invalid("spider", accepted_values::SPIDER)),
        (Some(""), None) => return Err(Problem::invalid("spider", "must not be empty")),
        (name, _) => name.unwrap_or_default(),
    };
    request.spider_id = id.unwrap_or_default();
    request.spider = name.to_owned();
    Ok(())
}

fn job_settings(params: &Params) -> Result<Option<String>, Problem> {
    let Some(text) = params.one("job_settings")? else {
        return Ok(None);
    };
    object("job_settings", text)?;
    Ok(Some(text.trim().to_owned()))
}

/// The environment becomes metadata, with the text as it was sent. The message's own field is a
/// map: it would lose how the object was written, and an empty one altogether.
fn add_environment(request: &mut ScheduleJobRequest, params: &Params) -> Result<(), Problem> {
    if let Some(text) = params.one("environment")? {
        serde_json::from_str::<BTreeMap<String, String>>(text)
            .map_err(|_| Problem::invalid("environment", "must be a JSON object of strings"))?;
        let text = text.trim().to_owned();
        request.metadata.insert("environment".to_owned(), text);
    }
    Ok(())
}

/// What the message has a field for goes there, the rest of `meta` to the metadata. A parameter
/// takes precedence over the same field of `meta`.
fn add_meta(request: &mut ScheduleJobRequest, params: &Params) -> Result<(), Problem> {
    let Some(text) = params.one("meta")? else {
        return Ok(());
    };
    let mut fields = object("meta", text)?;
    // To the service, what it has no field for is any metadata.
    if !JsonText::stored(text.to_owned()).is_readable() {
        return Err(Problem::invalid("meta", READABLE));
    }
    let mut take = || -> Result<(), Problem> {
        request.state = fields.take_state()?.into();
        request.priority = request.priority.or(fields.take_priority()?);
        request.units = request.units.or(fields.take_units()?);
        request.tags.extend(fields.take_strings("tags")?);
        let arguments = fields.take("spider_args", "must be an object of strings")?;
        request.spider_args = arguments.unwrap_or_default();
        Ok(())
    };
    take().map_err(|problem| Problem::invalid("meta", problem.into_message()))?;
    request.metadata = fields.into_metadata();
    Ok(())
}

fn object<'a>(name: &str, text: &'a str) -> Result<Fields<'a>, Problem> {
    Fields::parse(text).map_err(|_| Problem::invalid(name, accepted_values::JSON_OBJECT))
}
