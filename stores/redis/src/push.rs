//! Adding jobs: `push.lua` with its argument and answer.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    connection::{Connection, unpack},
    encode::{Placed, RequestArg},
    keys::{COUNTERS, Keys, bytes_field, last_job_field, spider_field, tag_field},
    record::{Flat, UNCOUNTED, counter_values},
    reply::{job_key, limit_at},
    scripts,
};
use spiderq_core::{
    error::{Error, Result},
    model::{Millis, ProjectId, State, UniqueKey},
    store::{NewJob, Pushed, RequestDigest},
};

#[derive(Serialize)]
struct PushArg<'a> {
    now: u64,
    request: Option<RequestArg<'a>>,
    names: Vec<String>,
    jobs: Vec<JobArg<'a>>,
}

#[derive(Serialize)]
struct JobArg<'a> {
    spider: &'a str,
    state: usize,
    /// States besides, whose entry it gets too.
    passed: Vec<usize>,
    priority: u8,
    /// What it adds to the units of the running jobs.
    running_units: u8,
    actor: &'a str,
    unique: Option<&'a str>,
    holds: bool,
    lease: Option<u64>,
    tags: Vec<&'a str>,
    /// The counter that its bytes go to.
    sum: Option<&'static str>,
    bytes: usize,
    core: Flat,
    large: Flat,
}

/// [`Store::push`](spiderq_core::store::Store::push).
pub(super) async fn push(
    connection: &Connection,
    project: ProjectId,
    jobs: &[&NewJob],
    now: Millis,
    request: Option<&RequestDigest>,
) -> Result<Vec<Pushed>> {
    let argument = PushArg {
        now: now.0,
        request: RequestArg::new(request, now),
        names: names(jobs),
        jobs: jobs.iter().map(|job| job_arg(job, now)).collect(),
    };
    let keys = Keys(project).script(request);
    let packed: Vec<u8> = connection.run(&scripts::PUSH, &keys, &argument).await?;
    if packed.is_empty() {
        return Err(Error::RequestIdReused);
    }
    let replies: Vec<Reply> = unpack(&packed)?;
    let replies = replies.iter();
    replies.map(|reply| pushed(project, reply)).collect()
}

/// What became of one job.
#[derive(Deserialize)]
#[serde(untagged)]
enum Reply {
    Member(String),
    Limit(usize),
}

fn pushed(project: ProjectId, reply: &Reply) -> Result<Pushed> {
    match reply {
        Reply::Member(member) if member.is_empty() => Ok(Pushed::Duplicate),
        Reply::Member(member) => job_key(project, member).map(Pushed::Added),
        Reply::Limit(index) => limit_at(*index).map(Pushed::AtLimit),
    }
}

/// The fields of the counters hash that the script reads at once, each once.
fn names(jobs: &[&NewJob]) -> Vec<String> {
    let spiders: BTreeSet<&str> = jobs.iter().map(|job| job.spider.as_str()).collect();
    let tags = jobs.iter().flat_map(|job| job.tags.iter());
    let tags: BTreeSet<&str> = tags.map(|tag| tag.as_str()).collect();
    let sums: BTreeSet<&str> = jobs.iter().filter_map(|job| bytes_field(job.state)).collect();
    let spiders = spiders.into_iter();
    COUNTERS
        .map(str::to_owned)
        .into_iter()
        .chain(spiders.flat_map(|name| [spider_field(name), last_job_field(name)]))
        .chain(tags.into_iter().map(tag_field))
        .chain(sums.into_iter().map(str::to_owned))
        .collect()
}

fn job_arg(job: &NewJob, now: Millis) -> JobArg<'_> {
    let placed = Placed::new(&job.metadata);
    let lease = job.start.as_ref().and_then(|start| start.lease_expires);
    JobArg {
        spider: job.spider.as_str(),
        state: job.state.index(),
        passed: passed(job),
        priority: job.priority.get(),
        running_units: match job.state {
            State::Running => job.units.get(),
            State::Pending | State::Finished | State::Deleted => 0,
        },
        actor: job.actor.as_str(),
        unique: job.unique.as_ref().map(UniqueKey::as_str),
        holds: held(job).is_some(),
        lease: lease.map(|end| end.0),
        tags: job.tags.iter().map(|tag| tag.as_str()).collect(),
        sum: bytes_field(job.state),
        bytes: job.metadata.bytes(),
        core: core(job, placed.core, now),
        large: placed.large,
    }
}

/// A scheduled job that begins further on passed pending.
fn passed(job: &NewJob) -> Vec<usize> {
    let pending = State::Pending;
    let passes = job.scheduled && job.state != pending;
    passes.then(|| pending.index()).into_iter().collect()
}

/// What the job is to hold: nothing if it begins done.
fn held(job: &NewJob) -> Option<&str> {
    let active = matches!(job.state, State::Pending | State::Running);
    let unique = job.unique.as_ref().filter(|_| active);
    unique.map(UniqueKey::as_str)
}

/// All that is known before the atomic step.
fn core(job: &NewJob, metadata: Flat, now: Millis) -> Flat {
    let mut core = metadata;
    let mut set = |field: &str, value: String| core.extend([field.to_owned(), value]);
    set("n", job.spider.as_str().to_owned());
    set("s", job.state.index().to_string());
    set("p", job.priority.get().to_string());
    set("u", job.units.get().to_string());
    set("w", now.0.to_string());
    if !job.tags.is_empty() {
        let tags: Vec<&str> = job.tags.iter().map(|tag| tag.as_str()).collect();
        set("t", tags.join("\n"));
    }
    if let Some(unique) = held(job) {
        set("U", unique.to_owned());
    }
    if let Some(start) = &job.start {
        set("a", "1".to_owned());
        set("f", start.fence.expose().to_owned());
        if let Some(end) = start.lease_expires {
            set("l", end.0.to_string());
        }
    }
    let bytes = job.metadata.bytes();
    if bytes > UNCOUNTED {
        set("b", bytes.to_string());
    }
    set("z", bytes.to_string());
    for (field, value) in counter_values(job.counters) {
        set(field, value.to_string());
    }
    core
}
