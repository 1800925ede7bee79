//! Changing jobs: `claim.lua` and `change.lua` with their arguments and answers, and removal
//! for good.

use redis::Value;
use serde::Serialize;

use super::{
    RedisStore,
    connection::unpack,
    encode::{ChangeArg, EffectArg, RequestArg},
    errors::bad_reply,
    keys::{Keys, member, spider_field, tag_field},
    record::{self, Flat, UNCOUNTED},
    reply::{job_key, limit_at, state_at},
    scripts,
};
use spiderq_core::{
    error::{Error, Result},
    model::{ClaimFilter, Fence, FieldSelection, JobKey, Millis, ProjectId, State, Tag, Units},
    store::{Change, Changed, Claimed, Effect, Purged, RequestDigest},
};

#[derive(Serialize)]
struct ClaimArg<'a> {
    now: u64,
    max_tags: usize,
    uncounted: usize,
    request: Option<RequestArg<'a>>,
    spiders: Vec<String>,
    has_tags: Vec<String>,
    lacks_tags: Vec<String>,
    max_units: Option<u8>,
    /// A lane and a position: where the call before stopped looking.
    from: Option<(u8, String)>,
    effect: EffectArg<'a>,
}

#[derive(Serialize)]
struct ChangesArg<'a> {
    now: u64,
    max_tags: usize,
    uncounted: usize,
    request: Option<RequestArg<'a>>,
    all_or_nothing: bool,
    changes: Vec<ChangeArg<'a>>,
}

#[derive(Serialize)]
struct PurgeArg {
    member: String,
    removable: usize,
}

/// [`Store::claim`](spiderq_core::store::Store::claim).
pub(super) async fn claim(
    store: &RedisStore,
    project: ProjectId,
    wanted: &ClaimFilter,
    effect: &Effect,
    now: Millis,
    request: Option<&RequestDigest>,
) -> Result<Option<Claimed>> {
    let tags = |tags: &[Tag]| tags.iter().map(|tag| tag_field(tag.as_str())).collect();
    let mut argument = ClaimArg {
        now: now.0,
        max_tags: spiderq_core::limits::MAX_TAGS,
        uncounted: UNCOUNTED,
        request: RequestArg::new(request, now),
        spiders: wanted.spiders.iter().map(|name| spider_field(name.as_str())).collect(),
        has_tags: tags(&wanted.has_tags),
        lacks_tags: tags(&wanted.lacks_tags),
        max_units: wanted.max_units.map(Units::get),
        from: None,
        effect: EffectArg::new(effect),
    };
    let keys = Keys(project).script(request);
    loop {
        let reply: Value = store.connection.run(&scripts::CLAIM, &keys, &argument).await?;
        let Value::BulkString(packed) = reply else {
            if reply == Value::Nil {
                return Ok(None);
            }
            // Many were passed over.
            argument.from = Some(redis::from_redis_value(reply).map_err(bad_reply)?);
            continue;
        };
        if packed.is_empty() {
            return Err(Error::RequestIdReused);
        }
        return claimed(project, unpack(&packed)?).map(Some);
    }
}

fn claimed(project: ProjectId, (member, core, large): (String, Flat, Flat)) -> Result<Claimed> {
    let key = job_key(project, &member)?;
    let fence = core.chunks(2).find_map(|pair| match pair {
        [field, fence] if field == "f" => Some(fence),
        _ => None,
    });
    let fence = fence.ok_or_else(|| bad_reply("a claimed job without a fence"))?;
    let fence = Fence::parse(fence).map_err(bad_reply)?;
    let job = record::decode(key, core, large, &FieldSelection::Full)?;
    let job = job.ok_or_else(|| bad_reply("a claimed job without a state"))?;
    Ok(Claimed { job, fence })
}

/// [`Store::change`](spiderq_core::store::Store::change).
pub(super) async fn change(
    store: &RedisStore,
    project: ProjectId,
    changes: &[Change],
    all_or_nothing: bool,
    now: Millis,
    request: Option<&RequestDigest>,
) -> Result<Vec<Changed>> {
    let argument = ChangesArg {
        now: now.0,
        max_tags: spiderq_core::limits::MAX_TAGS,
        uncounted: UNCOUNTED,
        request: RequestArg::new(request, now),
        all_or_nothing,
        changes: changes.iter().map(ChangeArg::new).collect(),
    };
    let keys = Keys(project).script(request);
    let packed: Vec<u8> = store.connection.run(&scripts::CHANGE, &keys, &argument).await?;
    if packed.is_empty() {
        return Err(Error::RequestIdReused);
    }
    let replies: Vec<(u8, usize, u32, u8)> = unpack(&packed)?;
    replies.into_iter().map(changed).collect()
}

/// The first of the outcomes of `change.lua` that are limits, by [`RunningLimit::index`].
const AT_LIMIT: u8 = 8;

/// The outcomes by the numbers of `change.lua`.
fn changed((outcome, state, attempt, stop): (u8, usize, u32, u8)) -> Result<Changed> {
    let previous = state_at(state)?;
    Ok(match outcome {
        0 => Changed::Missing,
        1 => Changed::Refused(previous),
        2 => Changed::Stale,
        3 => Changed::NotHeld,
        4 => Changed::TooManyTags,
        5 => Changed::Kept(previous),
        6 => Changed::Applied { previous, attempt, stop_requested: stop == 1 },
        7 => Changed::TooLarge,
        limit => Changed::AtLimit(limit_at(limit.wrapping_sub(AT_LIMIT).into())?),
    })
}

/// [`Store::purge`](spiderq_core::store::Store::purge).
pub(super) async fn purge(store: &RedisStore, key: JobKey) -> Result<Purged> {
    let argument = PurgeArg { member: member(key), removable: State::Deleted.index() };
    let keys = Keys(key.project).script(None);
    let state: Option<usize> = store.connection.run(&scripts::PURGE, &keys, &argument).await?;
    Ok(match state.map(state_at).transpose()? {
        None => Purged::Missing,
        Some(State::Deleted) => Purged::Done,
        Some(state) => Purged::Refused(state),
    })
}
