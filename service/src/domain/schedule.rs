//! Scheduling: a job of a spider, unless the same one is active already (`docs/contract.md`, 3,
//! run).

use std::collections::BTreeMap;

use super::{
    Domain, RequestId, SpiderRef,
    job_cmd::set_job_cmd,
    push::pushed_key,
    reserved_fields::{ReservedFields, check_readable},
    step_digest,
    transition::attempt_in,
};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    model::{
        Actor, JobKey, JsonText, Metadata, Priority, ProjectId, Role, SpiderName, State, Tags,
        UniqueKey, Units,
    },
    store::NewJob,
};

/// A job to schedule.
#[derive(Debug)]
pub struct ScheduleJob {
    /// Of which project.
    pub project: ProjectId,
    /// A new name gets a number; a number must be of a spider that exists.
    pub spider: SpiderRef,
    /// The state that the job begins in.
    pub state: State,
    /// They come after the tags of the spider and those of the metadata.
    pub tags: Tags,
    /// `None`: that of the metadata, or the default.
    pub priority: Option<Priority>,
    /// `None`: those of the metadata, or the default.
    pub units: Option<Units>,
    /// Arguments of the spider.
    pub spider_args: BTreeMap<String, String>,
    /// Arguments of a script.
    pub cmd_args: Option<String>,
    /// Settings of the crawl: a JSON object.
    pub job_settings: Option<JsonText>,
    /// Environment variables of the crawl.
    pub environment: BTreeMap<String, String>,
    /// Version of the code to run.
    pub version: Option<String>,
    /// All other fields.
    pub metadata: Metadata,
}

impl Domain {
    /// Schedules a job; [`Error::Duplicate`] while one of the same spider with the same
    /// arguments is pending or running. One step of the store, two where the spider is named by
    /// its number.
    pub async fn schedule_job(
        &self,
        caller: &Caller,
        schedule: ScheduleJob,
        request_id: Option<RequestId>,
    ) -> Result<JobKey> {
        let project = schedule.project;
        caller.may(Role::User, project)?;
        let spider = self.scheduled_spider(project, &schedule.spider).await?;
        let job = new_job(caller.actor(), spider.clone(), schedule)?;
        let now = self.now();
        let digest = step_digest(request_id.as_ref(), 0, now);
        let pushed = self.store.push(project, vec![job], now, digest.as_ref()).await?;
        pushed_key(pushed.into_iter().next(), || format!("{spider} already scheduled"))
    }

    async fn scheduled_spider(&self, project: ProjectId, spider: &SpiderRef) -> Result<SpiderName> {
        match spider {
            SpiderRef::Name(name) => Ok(name.clone()),
            SpiderRef::Number(number) => {
                let name = self.store.spider_name(project, *number).await?;
                let accepted = "must be the number of a spider that exists";
                name.ok_or_else(|| Error::invalid("spider_id", accepted))
            }
        }
    }
}

fn new_job(actor: &Actor, spider: SpiderName, mut schedule: ScheduleJob) -> Result<NewJob> {
    let reserved = ReservedFields::split(std::mem::take(&mut schedule.metadata))?;
    if let Some(settings) = &schedule.job_settings {
        check_readable("job_settings", settings)?;
    }
    let meta_tags = reserved.tags.unwrap_or_default();
    let tags = Tags::new([&meta_tags, &schedule.tags].into_iter().flat_map(Tags::iter).cloned())?;
    let args = schedule.spider_args.clone();
    let (state, start) = (schedule.state, attempt_in(schedule.state)?);
    let (priority, units) = (schedule.priority, schedule.units);
    let metadata = job_fields(&spider, schedule, reserved.rest)?;
    Ok(NewJob {
        state,
        scheduled: true,
        actor: actor.clone(),
        priority: priority.or(reserved.priority).unwrap_or_default(),
        units: units.or(reserved.units).unwrap_or_default(),
        tags,
        spider_tags: true,
        unique: Some(unique_key(&spider, &args, &metadata)),
        counters: reserved.counters,
        start,
        metadata,
        spider,
    })
}

/// By the metadata that the job gets: its arguments count wherever they were given. `job_cmd` is
/// what a script has without `cmd_args`.
fn unique_key(
    spider: &SpiderName,
    args: &BTreeMap<String, String>,
    metadata: &Metadata,
) -> UniqueKey {
    let args = args.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let command = metadata.get("cmd_args").or_else(|| metadata.get("job_cmd"));
    UniqueKey::of_schedule(spider, args, command.map(JsonText::as_str))
}

/// `rest` with the fields that the schedule has names for.
fn job_fields(spider: &SpiderName, schedule: ScheduleJob, rest: Metadata) -> Result<Metadata> {
    let object = |map: &BTreeMap<_, _>| (!map.is_empty()).then(|| strings(map));
    let string = |text: Option<String>| text.as_deref().map(JsonText::string);
    let fields = [
        ("spider_type", Some(JsonText::string(spider.spider_type()))),
        ("spider_args", object(&schedule.spider_args)),
        ("environment", object(&schedule.environment)),
        ("job_settings", schedule.job_settings),
        ("cmd_args", string(schedule.cmd_args)),
        ("version", string(schedule.version)),
    ];
    let mut metadata = rest;
    for (name, value) in fields {
        if let Some(value) = value {
            metadata.set(name, value);
        }
    }
    set_job_cmd(spider, &mut metadata)?;
    metadata.check_size()?;
    Ok(metadata)
}

/// A JSON object of strings.
fn strings(map: &BTreeMap<String, String>) -> JsonText {
    let object: serde_json::Map<_, _> =
        map.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    JsonText::stored(serde_json::Value::Object(object).to_string())
}

#[cfg(test)]
mod tests;
