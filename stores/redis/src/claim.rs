//! Claiming a job: `claim.lua` with its argument and answer.

use serde::Serialize;
use spiderq_core::{
    error::{Error, Result},
    limits::MAX_TAGS,
    model::{ClaimFilter, Fence, JobKey, Millis, ProjectId, State, Tag, Units},
    store::{Change, Claimed, Effect, Holder, RequestDigest, Step},
};

use crate::{
    RedisStore, change,
    due::{makes_due, with_due},
    effects::EffectArg,
    error::{bad_reply, damaged_job},
    large::{Bytes, large_pairs},
    link::within,
    names::{ProjectNames, job_key, member, spider_number, tag_number},
    outcome,
    record::{self, Pairs, Record, pairs},
    request_ids::RequestIdArg,
    scripts,
};

#[derive(Serialize)]
struct ClaimArg<'a> {
    now: u64,
    max_tags: usize,
    request: Option<RequestIdArg<'a>>,
    filter: FilterArg,
    /// Jobs that are passed over.
    without: Vec<String>,
    from: Option<(u8, String)>,
    effect: EffectArg<'a>,
}

#[derive(Serialize)]
struct FilterArg {
    spiders: Vec<String>,
    has_tags: Vec<String>,
    lacks_tags: Vec<String>,
    max_units: Option<u8>,
}

impl FilterArg {
    fn new(filter: &ClaimFilter) -> Self {
        let tags = |tags: &[Tag]| tags.iter().map(|tag| tag_number(tag.as_str())).collect();
        Self {
            spiders: filter.spiders.iter().map(|name| spider_number(name.as_str())).collect(),
            has_tags: tags(&filter.has_tags),
            lacks_tags: tags(&filter.lacks_tags),
            max_units: filter.max_units.map(Units::get),
        }
    }
}

/// Takes the next job that is wanted. One that cannot be read is put back, and passed over from then
/// on. Each step has the timeout of a call, not all of them.
pub(crate) async fn claim(
    store: &RedisStore,
    project: ProjectId,
    filter: &ClaimFilter,
    effect: &Effect,
    now: Millis,
    request: Option<&RequestDigest>,
) -> Result<Option<Claimed>> {
    loop {
        let taking = take(store, project, filter, effect, now, request);
        match within(with_due(store, project, makes_due(effect), now, taking)).await {
            Err(Error::JobDamaged { job, source }) => {
                store.unreadable.note(job, job, &*source);
                within(give_back(store, job, effect, now)).await?;
            }
            claimed => return claimed,
        }
    }
}

/// One script, or several where many jobs are passed over. [`Error::JobDamaged`] of a job that is
/// taken and cannot be read.
async fn take(
    store: &RedisStore,
    project: ProjectId,
    filter: &ClaimFilter,
    effect: &Effect,
    now: Millis,
    request: Option<&RequestDigest>,
) -> Result<Option<Claimed>> {
    let mut argument = ClaimArg {
        now: now.0,
        max_tags: MAX_TAGS,
        request: RequestIdArg::new(request, now),
        filter: FilterArg::new(filter),
        without: store.unreadable.of(project).into_iter().map(member).collect(),
        from: None,
        effect: EffectArg::new(effect),
    };
    let keys = ProjectNames(project).script(request);
    loop {
        match store.connection.run(&scripts::CLAIM, &keys, &argument).await? {
            outcome::Claim::None => return Ok(None),
            outcome::Claim::Stale(member) => {
                return Err(Error::Stale(job_key(project, &member)?));
            }
            outcome::Claim::More(lane, position) => argument.from = Some((lane, position)),
            outcome::Claim::Claimed(member, core, large) => {
                return claimed(job_key(project, &member)?, core, large).map(Some);
            }
        }
    }
}

fn claimed(key: JobKey, core: Vec<Bytes>, large: Vec<Bytes>) -> Result<Claimed> {
    let read = || {
        let core: Pairs = pairs(core)?;
        let fence =
            record::fence(&core).ok_or_else(|| bad_reply("a claimed job without a fence"))?;
        let fence = Fence::parse(fence).map_err(bad_reply)?;
        let job = Record::whole(core, large_pairs(large)?)?.decode(key)?;
        let job = job.ok_or_else(|| bad_reply("a claimed job without a state"))?;
        Ok(Claimed { job, fence })
    };
    read().map_err(|error| damaged_job(key, error))
}

/// Puts a job back that was claimed and cannot be read, in front of the others.
async fn give_back(store: &RedisStore, key: JobKey, claim: &Effect, now: Millis) -> Result<()> {
    let Some(start) = &claim.start else {
        return Err(Error::bug("a claim does not start its job"));
    };
    let Some((_, actor)) = &claim.enter else {
        return Err(Error::bug("a claim does not move its job"));
    };
    let effect = Effect {
        release: true,
        enter: Some((State::Pending, actor.clone())),
        restore: true,
        front: true,
        ..Effect::default()
    };
    let mut on = [Step::Keep; 4];
    on[State::Running.index()] = Step::Apply(0);
    let holder = Holder::Fence(start.fence.clone());
    let change = Change { key, holder, on, effects: vec![effect], unchanged_since: None };
    change::change(store, key.project, &[change], false, now, None).await.map(drop)
}
