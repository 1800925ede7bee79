//! Changing jobs: a step of the writer. What is allowed and what it does comes with the
//! change; here it is only looked up and applied.

use rusqlite::Connection;

use super::{project::Project, row::StoredJob, writer::in_savepoint};
use crate::{
    error::{Error, Result},
    model::{Entry, JobKey, Metadata, Millis, ProjectId, State},
    store::{Change, Changed, Effect, Fields, Holder, Purged, Step},
};

/// Applies `changes` in order; with `all_or_nothing` none of them after a refusal.
pub(super) fn change(
    connection: &Connection,
    project: ProjectId,
    changes: &[Change],
    all_or_nothing: bool,
    now: Millis,
) -> Result<Vec<Changed>> {
    let step = |connection: &Connection| {
        let mut project = Project::load(connection, project)?;
        let answers: Vec<Changed> = changes
            .iter()
            .map(|change| change_one(connection, &mut project, change, now))
            .collect::<Result<_>>()?;
        project.save(connection)?;
        let keep = !(all_or_nothing && answers.iter().any(is_refusal));
        Ok((answers, keep))
    };
    in_savepoint(connection, step)
}

/// Removes a deleted job.
pub(super) fn purge(connection: &Connection, key: JobKey) -> Result<Purged> {
    let Some(stored) = StoredJob::by_key(connection, key, &Fields::Row)? else {
        return Ok(Purged::Missing);
    };
    if stored.job.state != State::Deleted {
        return Ok(Purged::Refused(stored.job.state));
    }
    stored.delete(connection)?;
    Ok(Purged::Done)
}

/// Applies `effect` to `stored`, in the row too; or why the job may not become so.
pub(super) fn apply(
    connection: &Connection,
    project: &mut Project,
    stored: &StoredJob,
    effect: &Effect,
    now: Millis,
) -> Result<Result<StoredJob, Changed>> {
    let Ok(tags) = effect.tags.apply(&stored.job.tags) else {
        return Ok(Err(Changed::TooManyTags));
    };
    let mut after = stored.clone();
    after.job.tags = tags;
    merge(&mut after.job.metadata, effect);
    let most = effect.most_bytes.filter(|_| !effect.set.is_empty());
    if most.is_some_and(|most| after.job.metadata.bytes() > most) {
        return Ok(Err(Changed::TooLarge));
    }
    hold(&mut after, effect);
    if let Some((state, actor)) = &effect.enter {
        let position = project.next_position(now);
        after.job.state = *state;
        after.job.position = position;
        after.job.entries[state.index()] = Some(Entry {
            position,
            actor: actor.clone(),
        });
    }
    let job = &mut after.job;
    job.priority = effect.priority.unwrap_or(job.priority);
    job.units = effect.units.unwrap_or(job.units);
    job.counters = effect.counters.or(job.counters);
    job.updated = now;
    after.update(connection, stored)?;
    Ok(Ok(after))
}

fn merge(metadata: &mut Metadata, effect: &Effect) {
    metadata.extend(effect.set.clone());
    for field in &effect.remove {
        metadata.remove(field.as_str());
    }
}

fn change_one(
    connection: &Connection,
    project: &mut Project,
    change: &Change,
    now: Millis,
) -> Result<Changed> {
    if change.key.project != project.id() {
        return Err(Error::bug("a change of another project's job"));
    }
    let Some(stored) = StoredJob::by_key(connection, change.key, &Fields::Full)? else {
        return Ok(Changed::Missing);
    };
    if let Some(refusal) = refusal(&stored, &change.holder, now) {
        return Ok(refusal);
    }
    let previous = stored.job.state;
    let index = match change.on[previous.index()] {
        Step::Refuse => return Ok(Changed::Refused(previous)),
        Step::Keep => return Ok(Changed::Kept(previous)),
        Step::Apply(index) => index,
    };
    let effect = change.effects.get(index);
    let effect = effect.ok_or_else(|| Error::bug("a step without its effect"))?;
    let after = match apply(connection, project, &stored, effect, now)? {
        Ok(after) => after,
        Err(refusal) => return Ok(refusal),
    };
    let stop = after.job.metadata.get("stop_requested");
    Ok(Changed::Applied {
        previous,
        attempt: after.job.attempt,
        stop_requested: stop.is_some_and(|json| json.as_str() == "true"),
    })
}

/// Why whoever asks may not change the job.
fn refusal(stored: &StoredJob, holder: &Holder, now: Millis) -> Option<Changed> {
    let job = &stored.job;
    let running = job.state == State::Running;
    let leased = running && job.lease_expires.is_none_or(|end| end > now);
    let (holds, otherwise) = match holder {
        Holder::Anyone | Holder::Expired(_) | Holder::Overdue(_) => (true, Changed::Stale),
        Holder::Fence(fence) => (
            leased && stored.fence.as_ref() == Some(fence),
            Changed::Stale,
        ),
        Holder::Attempt(attempt) => (leased && job.attempt == *attempt, Changed::Stale),
        Holder::StartedBy(actor) => {
            let entry = job.entry(State::Running);
            let theirs = entry.is_some_and(|entry| entry.actor == *actor);
            (running && theirs, Changed::NotHeld)
        }
    };
    (!holds).then_some(otherwise)
}

/// What the job holds after the effect: release first, then a new attempt or lease.
fn hold(stored: &mut StoredJob, effect: &Effect) {
    if effect.release {
        stored.unique = None;
        stored.fence = None;
        stored.job.lease_expires = None;
    }
    if let Some(start) = &effect.start {
        stored.fence = Some(start.fence.clone());
        stored.job.lease_expires = start.lease_expires;
        stored.job.attempt += 1;
    }
    if effect.lease_expires.is_some() {
        stored.job.lease_expires = effect.lease_expires;
    }
}

const fn is_refusal(changed: &Changed) -> bool {
    match changed {
        Changed::Refused(_)
        | Changed::Stale
        | Changed::NotHeld
        | Changed::TooManyTags
        | Changed::TooLarge
        | Changed::AtLimit(_) => true,
        Changed::Missing | Changed::Kept(_) | Changed::Applied { .. } => false,
    }
}
