//! Scheduling: a job of a spider, unless the same one is active already (`docs/contract.md`, 3,
//! run).

use std::collections::BTreeMap;

use super::{
    Domain, NamedFields, RequestId, SPIDER_ARGS, SpiderRef, job_cmd::set_job_cmd, push::pushed_key,
    reserved_fields::ReservedFields, spiders::no_spider, step_digest, transition::attempt_in,
};
use crate::auth::Caller;
use spiderq_core::{
    effect::StoredJob,
    error::{Error, Result},
    model::{
        Actor, Job, JsonText, Metadata, Priority, ProjectId, Role, SpiderName, State, Tags,
        UniqueKey, Units,
    },
    store::{Added, NewJob, Pushed},
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
    ) -> Result<Job> {
        let project = schedule.project;
        caller.may(Role::User, project)?;
        let spider = self.scheduled_spider(project, &schedule.spider).await?;
        self.check_spider(&mut self.known_spiders(project).await?, &spider).await?;
        let job = new_job(caller.actor(), spider.clone(), schedule)?;
        let now = self.now();
        let digest = step_digest(request_id.as_ref(), 0, now);
        let outcomes = self.store.add(project, vec![job.clone()], now, digest.as_ref()).await?;
        match outcomes.into_iter().next() {
            Some(Ok(Added { key, position, time, tags })) => {
                Ok(StoredJob::added(job, tags, key, position, time).job)
            }
            other => {
                let refusal = other.map(Pushed::of);
                let key = pushed_key(refusal, || format!("{spider} already scheduled"));
                Err(key.err().unwrap_or_else(|| Error::bug("a refusal without an error")))
            }
        }
    }

    /// The name of a spider that is to get a job; a number must be of one that exists.
    pub(super) async fn scheduled_spider(
        &self,
        project: ProjectId,
        spider: &SpiderRef,
    ) -> Result<SpiderName> {
        match spider {
            SpiderRef::Name(name) => Ok(name.clone()),
            SpiderRef::Number(number) => {
                let name = self.store.spider_name(project, *number).await?;
                name.ok_or_else(|| no_spider(project, spider))
            }
        }
    }
}

fn new_job(actor: &Actor, spider: SpiderName, mut schedule: ScheduleJob) -> Result<NewJob> {
    let reserved = ReservedFields::split(std::mem::take(&mut schedule.metadata))?;
    let meta_tags = reserved.tags.unwrap_or_default();
    let tags = Tags::new([&meta_tags, &schedule.tags].into_iter().flat_map(Tags::iter).cloned())?;
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
        unique: Some(unique_key(&spider, &metadata)),
        counters: reserved.counters,
        start,
        metadata,
        spider,
    })
}

/// By the metadata that the job gets: its arguments count wherever they were given. `job_cmd` is
/// what a script has without `cmd_args`.
fn unique_key(spider: &SpiderName, metadata: &Metadata) -> UniqueKey {
    let args = metadata.get(SPIDER_ARGS).map(JsonText::texts).unwrap_or_default();
    let args = args.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let command = metadata.get("cmd_args").or_else(|| metadata.get("job_cmd"));
    UniqueKey::of_schedule(spider, args, command.map(JsonText::as_str))
}

/// `rest` with the fields that the schedule has names for.
fn job_fields(spider: &SpiderName, schedule: ScheduleJob, rest: Metadata) -> Result<Metadata> {
    let ScheduleJob { spider_args, cmd_args, job_settings, environment, version, .. } = schedule;
    let named = NamedFields { spider_args, cmd_args, job_settings, environment, version };
    let mut metadata = rest;
    metadata.set("spider_type", JsonText::string(spider.spider_type()));
    named.set(&mut metadata)?;
    set_job_cmd(spider, &mut metadata)?;
    metadata.check_size().map_err(|error| error.at("metadata_json"))?;
    Ok(metadata)
}

#[cfg(test)]
mod tests;
