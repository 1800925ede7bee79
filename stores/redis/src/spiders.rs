//! Names and numbers of spiders, their tags, and the last job of each.

use serde::Serialize;
use spiderq_core::{
    error::Result,
    limits::MAX_TAGS,
    model::{
        FieldSelection, Job, JobId, JobKey, ProjectId, SpiderId, SpiderName, State, TagChanges,
        Tags,
    },
    store::{SpiderRecord, SpiderTagsUpdated},
};

use crate::{
    RedisStore,
    effects::TagsArg,
    error::bad_reply,
    names::{ProjectNames, job_key, last_job, max_running, spider_number},
    outcome::{self, Step},
    record::{Values, tags},
    rows, scripts,
};

/// How often the last jobs of spiders are looked up again when one of them was deleted
/// between the reading of its key and of its record.
const MAX_LOOKUPS: usize = 3;

#[derive(Serialize)]
struct NameArg<'a> {
    name: &'a str,
}

pub(crate) async fn name(
    store: &RedisStore,
    project: ProjectId,
    spider: SpiderId,
) -> Result<Option<SpiderName>> {
    let mut pipe = redis::pipe();
    pipe.hget(ProjectNames(project).spiders(), spider.get());
    let (name,): (Option<String>,) = store.connection.pipe(&pipe).await?;
    name.map(|name| SpiderName::parse(&name).map_err(bad_reply)).transpose()
}

pub(crate) async fn id(
    store: &RedisStore,
    project: ProjectId,
    name: &SpiderName,
) -> Result<Option<SpiderId>> {
    let mut pipe = redis::pipe();
    pipe.hget(ProjectNames(project).counters(), spider_number(name.as_str()));
    let (number,): (Option<String>,) = store.connection.pipe(&pipe).await?;
    number.map(|number| SpiderId::parse(&number).map_err(bad_reply)).transpose()
}

/// The spider's number, a new one if it has none.
pub(crate) async fn create(
    store: &RedisStore,
    project: ProjectId,
    name: &SpiderName,
) -> Result<SpiderId> {
    let argument = NameArg { name: name.as_str() };
    let keys = ProjectNames(project).script(None);
    let number: String = store.connection.run(&scripts::NUMBER_SPIDER, &keys, &argument).await?;
    SpiderId::parse(&number).map_err(bad_reply)
}

/// By number. Numbers have no gaps.
pub(crate) async fn list(
    store: &RedisStore,
    project: ProjectId,
    after: Option<SpiderId>,
    limit: usize,
) -> Result<Vec<SpiderRecord>> {
    let keys = ProjectNames(project);
    let first = after.map_or(1, |spider| spider.get() + 1);
    let numbers =
        (first..).take(limit).map_while(|number| SpiderId::new(number.cast_signed()).ok());
    let numbers: Vec<SpiderId> = numbers.collect();
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    let fields: Vec<u64> = numbers.iter().map(|number| number.get()).collect();
    let limits: Vec<String> = numbers.iter().map(|number| max_running(*number)).collect();
    let mut pipe = redis::pipe();
    pipe.hmget(keys.spiders(), &fields);
    pipe.hmget(keys.spider_tags(), &fields);
    pipe.hmget(keys.counters(), limits);
    let (names, tags, limits): (Values, Values, Values) = store.connection.pipe(&pipe).await?;
    let names: Vec<String> = names.into_iter().map_while(|name| name).collect();
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let last: Vec<String> = names.iter().map(|name| last_job(name)).collect();
    let mut pipe = redis::pipe();
    pipe.hmget(keys.counters(), last);
    let (last,): (Values,) = store.connection.pipe(&pipe).await?;
    let known = numbers.into_iter().zip(names);
    let columns = known.zip(tags).zip(limits).zip(last);
    columns
        .map(|((((id, name), tags), limit), last)| record(id, &name, tags, limit, last))
        .collect()
}

fn record(
    id: SpiderId,
    name: &str,
    lines: Option<String>,
    limit: Option<String>,
    last: Option<String>,
) -> Result<SpiderRecord> {
    Ok(SpiderRecord {
        id,
        name: SpiderName::parse(name).map_err(bad_reply)?,
        tags: lines.map_or_else(|| Ok(Tags::default()), |lines| tags(&lines))?,
        // The scripts do not go by a text that is no number either.
        max_running: limit.and_then(|limit| limit.parse().ok()),
        last_job: last.map(|number| JobId::parse(&number).map_err(bad_reply)).transpose()?,
    })
}

#[derive(Serialize)]
struct UpdateTagsArg<'a> {
    spider: String,
    edit: TagsArg<'a>,
    max_tags: usize,
}

pub(crate) async fn update_tags(
    store: &RedisStore,
    project: ProjectId,
    spider: SpiderId,
    edit: &TagChanges,
) -> Result<SpiderTagsUpdated> {
    let argument =
        UpdateTagsArg { spider: spider.to_string(), edit: TagsArg::new(edit), max_tags: MAX_TAGS };
    let keys = ProjectNames(project).script(None);
    match store.connection.run(&scripts::UPDATE_SPIDER_TAGS, &keys, &argument).await? {
        outcome::UpdateTags::Applied(lines) => tags(&lines).map(SpiderTagsUpdated::Done),
        outcome::UpdateTags::Missing => Ok(SpiderTagsUpdated::Missing),
        outcome::UpdateTags::TooManyTags => Ok(SpiderTagsUpdated::TooManyTags),
    }
}

#[derive(Serialize)]
struct LimitArg {
    spider: String,
    max_running: Option<u32>,
}

pub(crate) async fn limit(
    store: &RedisStore,
    project: ProjectId,
    spider: SpiderId,
    max_running: Option<u32>,
) -> Result<bool> {
    let argument = LimitArg { spider: spider.to_string(), max_running };
    let keys = ProjectNames(project).script(None);
    let step: Step = store.connection.run(&scripts::LIMIT_SPIDER, &keys, &argument).await?;
    Ok(step == Step::Applied)
}

pub(crate) async fn last_finished(
    store: &RedisStore,
    project: ProjectId,
    spiders: &[SpiderId],
    fields: &FieldSelection,
) -> Result<Vec<Option<Job>>> {
    let mut found = Vec::new();
    for _ in 0..MAX_LOOKUPS {
        let last = last_keys(store, project, spiders).await?;
        let keys: Vec<JobKey> = last.iter().flatten().copied().collect();
        let mut jobs = rows::get(store, &keys, fields).await?.into_iter();
        let mut moved = false;
        found.clear();
        for key in last {
            if key.is_none() {
                found.push(None);
                continue;
            }
            // No more were read at once.
            let Some(job) = jobs.next() else { break };
            let job = job.filter(|job| job.state == State::Finished);
            moved |= job.is_none();
            found.push(job);
        }
        if !moved {
            break;
        }
    }
    Ok(found)
}

/// The job of highest position among the finished ones of each spider.
async fn last_keys(
    store: &RedisStore,
    project: ProjectId,
    spiders: &[SpiderId],
) -> Result<Vec<Option<JobKey>>> {
    if spiders.is_empty() {
        return Ok(Vec::new());
    }
    let mut pipe = redis::pipe();
    for spider in spiders {
        pipe.cmd("ZREVRANGE").arg(ProjectNames(project).finished_of(*spider)).arg(0).arg(0);
    }
    let lists: Vec<Vec<String>> = store.connection.pipe(&pipe).await?;
    let key = |list: Vec<String>| list.first().map(|member| job_key(project, member));
    lists.into_iter().map(|list| key(list).transpose()).collect()
}
