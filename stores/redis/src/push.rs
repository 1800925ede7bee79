//! Adding jobs: `push.lua` with its argument and answer.

use std::{borrow::Cow, collections::BTreeSet};

use serde::Serialize;
use spiderq_core::{
    error::Result,
    limits::MAX_TAGS,
    model::{Millis, Position, ProjectId, State, UniqueKey},
    store::{AddOutcome, Added, NewJob, Pushed, RequestDigest},
};

use crate::{
    effects::Placed,
    error::bad_reply,
    large::LargePart,
    link::Connection,
    names::{
        LAST_POSITION, LAST_SPIDER, LAST_TAG, ProjectNames, RUNNING_UNITS, bytes_in, job_key,
        last_job, spider_number, tag_number,
    },
    outcome,
    record::{self, CORE, Fields, counter_values},
    request_ids::RequestIdArg,
    scripts,
};

#[derive(Serialize)]
struct PushArg<'a> {
    now: u64,
    max_tags: usize,
    request: Option<RequestIdArg<'a>>,
    fields: Vec<String>,
    jobs: Vec<JobArg<'a>>,
}

#[derive(Serialize)]
struct JobArg<'a> {
    spider: &'a str,
    /// Numbers that the script only copies are text: Lua prints them slowly.
    state: String,
    /// States besides, whose entry it gets too.
    passed: Vec<String>,
    priority: String,
    /// Of a job that begins running.
    running_units: Option<u8>,
    actor: &'a str,
    unique: Option<&'a str>,
    holds: bool,
    lease: Option<u64>,
    tags: Vec<&'a str>,
    spider_tags: bool,
    /// The field of the counters hash that its bytes go to.
    bytes_field: Option<&'static str>,
    bytes: usize,
    core: Fields<'a>,
    large: Vec<LargePart<'a>>,
}

/// One step for all `jobs`.
pub(crate) async fn push(
    connection: &Connection,
    project: ProjectId,
    jobs: &[&NewJob],
    now: Millis,
    request: Option<&RequestDigest>,
) -> Result<Vec<AddOutcome>> {
    let argument = PushArg {
        now: now.0,
        max_tags: MAX_TAGS,
        request: RequestIdArg::new(request, now),
        fields: counters_read(jobs),
        jobs: jobs.iter().map(|job| JobArg::new(job, now)).collect(),
    };
    let keys = ProjectNames(project).script(request);
    let outcomes: Vec<outcome::Push> = connection.run(&scripts::PUSH, &keys, &argument).await?;
    outcomes.into_iter().map(|outcome| added(project, outcome)).collect()
}

fn added(project: ProjectId, outcome: outcome::Push) -> Result<AddOutcome> {
    let number = |text: String| text.parse().map_err(bad_reply);
    Ok(match outcome {
        outcome::Push::Added(member, position, time, tags) => Ok(Added {
            key: job_key(project, &member)?,
            position: Position(number(position)?),
            time: Millis(number(time)?),
            tags: record::tags(&tags)?,
        }),
        outcome::Push::Duplicate(member) => Err(Pushed::Duplicate(job_key(project, &member)?)),
        outcome::Push::TooManyTags => Err(Pushed::TooManyTags),
        outcome::Push::AtLimit(limit) => Err(Pushed::AtLimit(limit.into())),
    })
}

/// The fields of the counters hash that the script reads at once, each once. It reads those of
/// the tags that it gets from spiders by itself.
fn counters_read(jobs: &[&NewJob]) -> Vec<String> {
    let spiders: BTreeSet<&str> = jobs.iter().map(|job| job.spider.as_str()).collect();
    let tags = jobs.iter().flat_map(|job| job.tags.iter());
    let tags: BTreeSet<&str> = tags.map(|tag| tag.as_str()).collect();
    let bytes: BTreeSet<&str> = jobs.iter().filter_map(|job| bytes_in(job.state)).collect();
    let fixed = [LAST_POSITION, LAST_SPIDER, LAST_TAG, RUNNING_UNITS].into_iter().chain(bytes);
    let spiders = spiders.into_iter().flat_map(|name| [spider_number(name), last_job(name)]);
    fixed.map(str::to_owned).chain(spiders).chain(tags.into_iter().map(tag_number)).collect()
}

impl<'a> JobArg<'a> {
    fn new(job: &'a NewJob, now: Millis) -> Self {
        let placed = Placed::new(&job.metadata);
        let lease = job.start.as_ref().and_then(|start| start.lease_expires);
        Self {
            spider: job.spider.as_str(),
            state: number_of(job.state),
            passed: passed(job),
            priority: job.priority.get().to_string(),
            running_units: (job.state == State::Running).then(|| job.units.get()),
            actor: job.actor.as_str(),
            unique: job.unique.as_ref().map(UniqueKey::as_str),
            holds: held(job).is_some(),
            lease: lease.map(|end| end.0),
            tags: job.tags.iter().map(|tag| tag.as_str()).collect(),
            spider_tags: job.spider_tags,
            bytes_field: bytes_in(job.state),
            bytes: job.metadata.bytes(),
            core: core(job, placed.core, now),
            large: placed.large,
        }
    }
}

/// A scheduled job that begins further on passed pending.
fn passed(job: &NewJob) -> Vec<String> {
    let passes = job.scheduled && job.state != State::Pending;
    passes.then(|| number_of(State::Pending)).into_iter().collect()
}

fn number_of(state: State) -> String {
    state.index().to_string()
}

/// The unique key that the job is to hold: none if it begins done.
fn held(job: &NewJob) -> Option<&str> {
    let active = matches!(job.state, State::Pending | State::Running);
    job.unique.as_ref().filter(|_| active).map(UniqueKey::as_str)
}

/// The fields of the core hash that are known before the atomic step.
fn core<'a>(job: &'a NewJob, metadata: Fields<'a>, now: Millis) -> Fields<'a> {
    let mut core = metadata;
    core.reserve(2 * CORE.len());
    let mut set = |field: &'static str, value: Cow<'a, str>| core.extend([field.into(), value]);
    set("n", job.spider.as_str().into());
    set("s", number_of(job.state).into());
    set("p", job.priority.get().to_string().into());
    set("u", job.units.get().to_string().into());
    set("w", now.0.to_string().into());
    set("z", job.metadata.bytes().to_string().into());
    if let Some(unique) = held(job) {
        set("U", unique.into());
    }
    if let Some(start) = &job.start {
        set("a", "1".into());
        set("f", start.fence.expose().into());
        if let Some(end) = start.lease_expires {
            set("l", end.0.to_string().into());
        }
    }
    for (field, value) in counter_values(job.counters) {
        set(field, value.to_string().into());
    }
    core
}
