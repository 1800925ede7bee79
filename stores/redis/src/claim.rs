//! Claiming a job: `claim.lua` with its argument and answer.

use serde::Serialize;
use spiderq_core::{
    error::{Error, Result},
    limits::MAX_TAGS,
    model::{ClaimFilter, Fence, Millis, ProjectId, Tag, Units},
    store::{Claimed, Effect, RequestDigest},
};

use crate::{
    RedisStore,
    effects::EffectArg,
    error::bad_reply,
    large::{Bytes, large_pairs},
    names::{ProjectNames, job_key, spider_number, tag_number},
    outcome,
    record::{self, Flat, Record, pairs},
    request_ids::RequestIdArg,
    scripts,
};

#[derive(Serialize)]
struct ClaimArg<'a> {
    now: u64,
    max_tags: usize,
    request: Option<RequestIdArg<'a>>,
    filter: FilterArg,
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

/// One step, or several where many jobs are passed over.
pub(crate) async fn claim(
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
                return claimed(project, &member, core, large).map(Some);
            }
        }
    }
}

fn claimed(project: ProjectId, member: &str, core: Flat, large: Vec<Bytes>) -> Result<Claimed> {
    let key = job_key(project, member)?;
    let core = pairs(core)?;
    let fence = record::fence(&core).ok_or_else(|| bad_reply("a claimed job without a fence"))?;
    let fence = Fence::parse(fence).map_err(bad_reply)?;
    let job = Record::whole(core, large_pairs(large)?)?.decode(key)?;
    let job = job.ok_or_else(|| bad_reply("a claimed job without a state"))?;
    Ok(Claimed { job, fence })
}
