//! Schedule: a job of a spider, unless the same is active already (CONTRACT 3, run).

use std::collections::BTreeMap;

use super::{Domain, SpiderRef, known::Known, push::new_start, request::RequestId};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    model::{
        JobKey, JsonText, Metadata, Priority, ProjectId, Role, SpiderName, State, Tags, UniqueKey,
        Units,
    },
    store::{NewJob, Pushed},
};

/// A job to schedule.
#[derive(Debug)]
pub struct Schedule {
    /// Where.
    pub project: ProjectId,
    /// Its spider.
    pub spider: SpiderRef,
    /// The state it begins in.
    pub state: State,
    /// Its tags.
    pub tags: Tags,
    /// Its rank.
    pub priority: Option<Priority>,
    /// Its weight.
    pub units: Option<Units>,
    /// Arguments of the spider.
    pub spider_args: BTreeMap<String, String>,
    /// Arguments of a script.
    pub cmd_args: Option<String>,
    /// A JSON object.
    pub job_settings: Option<JsonText>,
    /// Environment variables.
    pub environment: BTreeMap<String, String>,
    /// Version of the code.
    pub version: Option<String>,
    /// Other fields.
    pub metadata: Metadata,
}

impl Domain {
    /// Schedules a job; [`Error::Duplicate`] while one of the same spider with the same
    /// arguments is pending or running.
    pub async fn schedule(
        &self,
        caller: &Caller,
        schedule: Schedule,
        request: Option<RequestId>,
    ) -> Result<JobKey> {
        let project = schedule.project;
        caller.may(Role::User, project)?;
        let (spider, tags) = self.scheduled_spider(project, &schedule.spider).await?;
        let job = new_job(caller, spider.clone(), &tags, schedule)?;
        let now = self.now();
        let request = request.map(|request| request.part(0, now));
        let pushed = self.store.push(project, vec![job], now, request.as_ref()).await?;
        match pushed.first() {
            Some(Pushed::Added(key)) => Ok(*key),
            Some(Pushed::Duplicate) => Err(Error::Duplicate(format!("{spider} already scheduled"))),
            Some(Pushed::TooManyTags) => Err(Tags::too_many()),
            Some(Pushed::AtLimit(limit)) => Err(Error::AtLimit(limit.to_string())),
            None => Err(Error::bug("push answered nothing")),
        }
    }

    /// The spider's name and the tags that its jobs get; a name may be new.
    async fn scheduled_spider(
        &self,
        project: ProjectId,
        spider: &SpiderRef,
    ) -> Result<(SpiderName, Tags)> {
        let number = match spider {
            SpiderRef::Number(number) => Some(*number),
            SpiderRef::Name(name) => self.store.spider_id(project, name, false).await?,
        };
        let record = match number {
            Some(number) => self.record(project, number).await?,
            None => None,
        };
        match (record, spider) {
            (Some(record), _) => Ok((record.name, record.tags)),
            (None, SpiderRef::Name(name)) => Ok((name.clone(), Tags::default())),
            (None, SpiderRef::Number(_)) => {
                Err(Error::invalid("spider_id", "must be the number of a spider that has jobs"))
            }
        }
    }
}

fn new_job(
    caller: &Caller,
    spider: SpiderName,
    spider_tags: &Tags,
    schedule: Schedule,
) -> Result<NewJob> {
    let unique = UniqueKey::of_schedule(
        &spider,
        schedule.spider_args.iter().map(|(name, value)| (name.as_str(), value.as_str())),
        schedule.cmd_args.as_deref(),
    );
    let mut known = Known::of(schedule.metadata)?;
    let mut fields = std::mem::take(&mut known.rest);
    fields.set("spider_type", JsonText::string(spider.spider_type()));
    if !schedule.spider_args.is_empty() {
        fields.set("spider_args", strings(&schedule.spider_args));
    }
    if !schedule.environment.is_empty() {
        fields.set("environment", strings(&schedule.environment));
    }
    if let Some(settings) = schedule.job_settings {
        fields.set("job_settings", settings);
    }
    if let Some(args) = schedule.cmd_args {
        fields.set("cmd_args", JsonText::string(&args));
    }
    if let Some(version) = schedule.version {
        fields.set("version", JsonText::string(&version));
    }
    fields.check_size()?;
    let meta_tags = known.tags.take().unwrap_or_default();
    let tags = [spider_tags, &meta_tags, &schedule.tags];
    Ok(NewJob {
        spider,
        state: schedule.state,
        scheduled: true,
        spider_tags: false,
        actor: caller.actor().clone(),
        priority: schedule.priority.or(known.priority).unwrap_or_default(),
        units: schedule.units.or(known.units).unwrap_or_default(),
        tags: Tags::new(tags.into_iter().flat_map(Tags::iter).cloned())?,
        unique: Some(unique),
        counters: known.counters,
        metadata: fields,
        start: match schedule.state {
            State::Running => Some(new_start()?),
            State::Pending | State::Finished | State::Deleted => None,
        },
    })
}

fn strings(map: &BTreeMap<String, String>) -> JsonText {
    let object: serde_json::Map<_, _> =
        map.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    JsonText::stored(serde_json::Value::Object(object).to_string())
}
