//! Changing jobs and removing one: `change.lua` and `purge.lua` with their arguments and answers.

use serde::Serialize;
use spiderq_core::{
    error::Result,
    limits::MAX_TAGS,
    model::{JobKey, Millis, ProjectId, State},
    store::{Change, Changed, Purged, RequestDigest},
};

use crate::{
    RedisStore,
    effects::ChangeArg,
    names::{ProjectNames, member},
    outcome,
    request_ids::RequestIdArg,
    scripts,
};

#[derive(Serialize)]
struct ChangesArg<'a> {
    now: u64,
    max_tags: usize,
    request: Option<RequestIdArg<'a>>,
    all_or_nothing: bool,
    changes: Vec<ChangeArg<'a>>,
}

#[derive(Serialize)]
struct PurgeArg {
    member: String,
    removable: usize,
}

pub(crate) async fn change(
    store: &RedisStore,
    project: ProjectId,
    changes: &[Change],
    all_or_nothing: bool,
    now: Millis,
    request: Option<&RequestDigest>,
) -> Result<Vec<Changed>> {
    let argument = ChangesArg {
        now: now.0,
        max_tags: MAX_TAGS,
        request: RequestIdArg::new(request, now),
        all_or_nothing,
        changes: changes.iter().map(ChangeArg::new).collect(),
    };
    let keys = ProjectNames(project).script(request);
    let outcomes: Vec<outcome::Change> =
        store.connection.run(&scripts::CHANGE, &keys, &argument).await?;
    Ok(outcomes.into_iter().map(changed).collect())
}

fn changed(outcome: outcome::Change) -> Changed {
    match outcome {
        outcome::Change::Missing => Changed::Missing,
        outcome::Change::Refused(state) => Changed::Refused(state.0),
        outcome::Change::Stale => Changed::Stale,
        outcome::Change::NotHeld => Changed::NotHeld,
        outcome::Change::WrittenSince => Changed::WrittenSince,
        outcome::Change::TooManyTags => Changed::TooManyTags,
        outcome::Change::TooLarge => Changed::TooLarge,
        outcome::Change::AtLimit(limit) => Changed::AtLimit(limit.into()),
        outcome::Change::Kept(state) => Changed::Kept(state.0),
        outcome::Change::Applied(previous, attempt, stop_requested, written) => {
            let (previous, written) = (previous.0, Millis(written));
            Changed::Applied { previous, attempt, stop_requested, written }
        }
    }
}

pub(crate) async fn purge(store: &RedisStore, key: JobKey) -> Result<Purged> {
    let argument = PurgeArg { member: member(key), removable: State::Deleted.index() };
    let keys = ProjectNames(key.project).script(None);
    Ok(match store.connection.run(&scripts::PURGE, &keys, &argument).await? {
        outcome::Purge::Missing => Purged::Missing,
        outcome::Purge::Purged => Purged::Done,
        outcome::Purge::Refused(state) => Purged::Refused(state.0),
    })
}
