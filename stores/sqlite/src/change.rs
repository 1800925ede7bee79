//! Changing jobs: a step of the writer. What is allowed and what it does comes with the
//! change; here it is only looked up and applied.

use crate::error::Result;
use rusqlite::Connection;

use super::{due, project::Project, row::StoredJob, writer::in_savepoint};
use spiderq_core::{
    error::Error,
    model::{
        Actor, FieldSelection, Job, JobKey, Metadata, Millis, Position, ProjectId, State,
        StateEntry,
    },
    store::{Change, Changed, Effect, Holder, Purged, Step},
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
    let Some(stored) = StoredJob::by_key(connection, key, &FieldSelection::Row)? else {
        return Ok(Purged::Missing);
    };
    if stored.job.state != State::Deleted {
        return Ok(Purged::Refused(stored.job.state));
    }
    stored.delete(connection)?;
    let mut project = Project::load(connection, key.project)?;
    project.count(Some(&stored), None);
    project.save(connection)?;
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
    let most = effect.max_bytes.filter(|_| !effect.set.is_empty());
    if most.is_some_and(|most| after.job.metadata.bytes() > most) {
        return Ok(Err(Changed::TooLarge));
    }
    let job = &mut after.job;
    job.priority = effect.priority.unwrap_or(job.priority);
    job.units = effect.units.unwrap_or(job.units);
    job.counters = effect.counters.or(job.counters);
    job.updated = now;
    job.state = effect.enter.as_ref().map_or(job.state, |(state, _)| *state);
    let limits = project.limits(connection)?;
    if let Some(limit) = limits.exceeded(connection, &stored.job, &after.job)? {
        return Ok(Err(Changed::AtLimit(limit)));
    }
    hold(&mut after, effect);
    if let Some((_, actor)) = &effect.enter {
        place(&mut after.job, project.next_position(now), actor);
        after.front = effect.front && after.job.state == State::Pending;
    }
    after.due = due::after(stored, &after, effect);
    after.bytes = after.job.metadata.bytes() as u64;
    after.update(connection, stored)?;
    project.count(Some(stored), Some(&after));
    let stop = stop_requested(&after.job) && !stop_requested(&stored.job);
    if effect.enter.is_some() || stop {
        project.record(connection, Some(stored.job.state), &after.job)?;
    }
    Ok(Ok(after))
}

/// Makes the entry into the state that the job is in now; those into later ones go.
fn place(job: &mut Job, position: Position, actor: &Actor) {
    job.position = position;
    let actor = actor.clone();
    let entry = Some(StateEntry { position, actor });
    let index = job.state.index();
    job.entries[index] = entry;
    job.entries[index + 1..].fill(None);
}

fn stop_requested(job: &Job) -> bool {
    let stop = job.metadata.get("stop_requested");
    stop.is_some_and(|json| json.as_str() == "true")
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
        return Err(Error::bug("a change of another project's job").into());
    }
    let Some(stored) = StoredJob::by_key(connection, change.key, &FieldSelection::Full)? else {
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
    Ok(Changed::Applied {
        previous,
        attempt: after.job.attempt,
        stop_requested: stop_requested(&after.job),
    })
}

/// Why whoever asks may not change the job.
fn refusal(stored: &StoredJob, holder: &Holder, now: Millis) -> Option<Changed> {
    let job = &stored.job;
    let running = job.state == State::Running;
    let runs = |attempt: &u32| running && job.attempt == *attempt;
    let over = |end: Option<Millis>| end.is_some_and(|end| end <= now);
    let leased = running && !over(job.lease_expires);
    let (holds, otherwise) = match holder {
        Holder::Anyone => (true, Changed::Stale),
        Holder::Expired(attempt) => (runs(attempt) && over(job.lease_expires), Changed::Stale),
        Holder::Overdue(attempt) => (runs(attempt) && over(stored.stop_by), Changed::Stale),
        Holder::Fence(fence) => (leased && stored.fence.as_ref() == Some(fence), Changed::Stale),
        Holder::Attempt(attempt) => (leased && runs(attempt), Changed::Stale),
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
        stored.fence = None;
        stored.job.lease_expires = None;
        stored.stop_by = None;
        if stored.job.state != State::Pending || effect.enter.is_none() {
            stored.unique = None;
        }
    }
    if let Some(start) = &effect.start {
        stored.fence = Some(start.fence.clone());
        stored.job.lease_expires = start.lease_expires;
        stored.job.attempt += 1;
    }
    if effect.lease_expires.is_some() {
        stored.job.lease_expires = effect.lease_expires;
    }
    stored.stop_by = stored.stop_by.or(effect.stop_by);
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
