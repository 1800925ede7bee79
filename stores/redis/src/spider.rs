//! Names and numbers of spiders, their tags, and the last job of each.

use serde::Serialize;

use super::{
    RedisStore,
    encode::TagsArg,
    errors::bad_reply,
    keys::{Keys, last_job_field, limit_field, spider_field},
    read,
    reply::job_key,
    scripts,
};
use spiderq_core::{
    error::Result,
    model::{
        FieldSelection, Job, JobId, JobKey, ProjectId, SpiderId, SpiderName, State, TagChanges,
        Tags,
    },
    store::{SpiderRecord, SpiderTagsUpdated},
};

/// How often the last jobs of spiders are looked up again when one of them was deleted
/// between its place and its reading.
const LOOKS: usize = 3;

#[derive(Serialize)]
struct SpiderArg<'a> {
    name: &'a str,
}

/// [`Store::spider_name`](spiderq_core::store::Store::spider_name).
pub(super) async fn name(
    store: &RedisStore,
    project: ProjectId,
    spider: SpiderId,
) -> Result<Option<SpiderName>> {
    let mut pipe = redis::pipe();
    pipe.hget(Keys(project).spiders(), spider.get());
    let (name,): (Option<String>,) = store.connection.pipe(&pipe).await?;
    name.map(|name| SpiderName::parse(&name).map_err(bad_reply)).transpose()
}

/// [`Store::spider_id`](spiderq_core::store::Store::spider_id).
pub(super) async fn id(
    store: &RedisStore,
    project: ProjectId,
    name: &SpiderName,
    create: bool,
) -> Result<Option<SpiderId>> {
    let number: Option<String> = if create {
        let argument = SpiderArg { name: name.as_str() };
        let keys = Keys(project).script(None);
        store.connection.run(&scripts::SPIDER, &keys, &argument).await?
    } else {
        let mut pipe = redis::pipe();
        pipe.hget(Keys(project).counters(), spider_field(name.as_str()));
        let (number,) = store.connection.pipe(&pipe).await?;
        number
    };
    number.map(|number| SpiderId::parse(&number).map_err(bad_reply)).transpose()
}

/// Values of fields, where they are.
type Texts = Vec<Option<String>>;

#[derive(Serialize)]
struct TagsOfSpider<'a> {
    spider: String,
    edit: TagsArg<'a>,
    max_tags: usize,
}

/// [`Store::spiders`](spiderq_core::store::Store::spiders). Numbers have no gaps.
pub(super) async fn list(
    store: &RedisStore,
    project: ProjectId,
    after: Option<SpiderId>,
    limit: usize,
) -> Result<Vec<SpiderRecord>> {
    let keys = Keys(project);
    let first = after.map_or(1, |spider| spider.get() + 1);
    let numbers: Vec<SpiderId> = (first..)
        .take(limit)
        .map(|number| SpiderId::parse(&number.to_string()).map_err(bad_reply))
        .collect::<Result<_>>()?;
    let fields: Vec<u64> = numbers.iter().map(|number| number.get()).collect();
    let limits: Vec<String> = numbers.iter().map(|number| limit_field(*number)).collect();
    let mut pipe = redis::pipe();
    pipe.hmget(keys.spiders(), &fields);
    pipe.hmget(keys.spider_tags(), &fields);
    pipe.hmget(keys.counters(), limits);
    let (names, tags, limits): (Texts, Texts, Texts) = store.connection.pipe(&pipe).await?;
    let names: Vec<String> = names.into_iter().map_while(|name| name).collect();
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let last: Vec<String> = names.iter().map(|name| last_job_field(name)).collect();
    let mut pipe = redis::pipe();
    pipe.hmget(keys.counters(), last);
    let (last,): (Texts,) = store.connection.pipe(&pipe).await?;
    let columns = numbers.into_iter().zip(names).zip(tags.into_iter().zip(limits));
    columns
        .zip(last)
        .map(|(((id, name), (tags, limit)), last)| {
            Ok(SpiderRecord {
                id,
                max_running: limit.and_then(|limit| limit.parse().ok()),
                name: SpiderName::parse(&name).map_err(bad_reply)?,
                tags: lines(&tags.unwrap_or_default())?,
                last_job: last
                    .map(|number| JobId::parse(&number).map_err(bad_reply))
                    .transpose()?,
            })
        })
        .collect()
}

/// [`Store::update_spider_tags`](spiderq_core::store::Store::update_spider_tags).
pub(super) async fn edit_tags(
    store: &RedisStore,
    project: ProjectId,
    spider: SpiderId,
    edit: &TagChanges,
) -> Result<SpiderTagsUpdated> {
    let argument = TagsOfSpider {
        spider: spider.to_string(),
        edit: TagsArg::new(edit),
        max_tags: spiderq_core::limits::MAX_TAGS,
    };
    let mut keys = Keys(project).script(None).to_vec();
    keys.push(Keys(project).spider_tags());
    let script = &scripts::SPIDER_TAGS;
    let (outcome, tags): (u8, String) = store.connection.run(script, &keys, &argument).await?;
    match outcome {
        0 => lines(&tags).map(SpiderTagsUpdated::Done),
        1 => Ok(SpiderTagsUpdated::Missing),
        2 => Ok(SpiderTagsUpdated::TooManyTags),
        _ => Err(bad_reply("an unknown outcome")),
    }
}

#[derive(Serialize)]
struct LimitArg {
    spider: String,
    max_running: Option<u32>,
}

/// [`Store::limit_spider`](spiderq_core::store::Store::limit_spider).
pub(super) async fn limit(
    store: &RedisStore,
    project: ProjectId,
    spider: SpiderId,
    max_running: Option<u32>,
) -> Result<bool> {
    let argument = LimitArg { spider: spider.to_string(), max_running };
    let keys = Keys(project).script(None);
    let script = &scripts::LIMIT_SPIDER;
    store.connection.run(script, &keys, &argument).await
}

/// [`Store::last_finished`](spiderq_core::store::Store::last_finished).
pub(super) async fn last_finished(
    store: &RedisStore,
    project: ProjectId,
    spiders: &[SpiderId],
    fields: &FieldSelection,
) -> Result<Vec<Option<Job>>> {
    let mut found = Vec::new();
    for _ in 0..LOOKS {
        let last = last_keys(store, project, spiders).await?;
        let keys: Vec<JobKey> = last.iter().flatten().copied().collect();
        let mut jobs = read::get(store, &keys, fields).await?.into_iter();
        let mut moved = false;
        found = last
            .into_iter()
            .map(|key| {
                key?;
                let job = jobs.next().flatten();
                let job = job.filter(|job| job.state == State::Finished);
                moved |= job.is_none();
                job
            })
            .collect();
        if !moved {
            break;
        }
    }
    Ok(found)
}

/// The highest place among the finished jobs of each spider.
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
        pipe.cmd("ZREVRANGE").arg(Keys(project).finished_of(*spider)).arg(0).arg(0);
    }
    let lists: Vec<Vec<String>> = store.connection.pipe(&pipe).await?;
    let key = |list: Vec<String>| list.first().map(|member| job_key(project, member));
    lists.into_iter().map(|list| key(list).transpose()).collect()
}

/// Tags as they are kept, one a line.
fn lines(tags: &str) -> Result<Tags> {
    Tags::parse(tags.lines()).map_err(bad_reply)
}
