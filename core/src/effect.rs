//! How a change applies to a job: the rules that every store written in Rust shares, as pure
//! functions. The Redis store states the same rules in Lua; the store contract and the random
//! comparison in the tests crate hold the two together.
//!
//! A store looks the job up, calls [`change`] (or [`apply`], for a claim), and writes what has
//! become of the job and its event. What the function needs to know of the project, it asks the
//! store through [`ProjectView`], so that a heartbeat counts no running jobs.

mod running_limits;
#[cfg(test)]
mod tests;

pub use self::running_limits::{RunningLimits, check_running};

use crate::{
    error::{Error, Result},
    model::{
        Actor, Fence, Job, JobKey, Metadata, Millis, Position, SpiderId, State, StateEntry, Tags,
        UniqueKey,
    },
    store::{Change, Changed, Effect, EventCursor, Holder, JobEvent, NewJob, RunningLimit, Step},
};

/// The field by which a running job is asked to stop: it is when its value is JSON `true`.
const STOP_REQUESTED: &str = "stop_requested";

/// A job with what no caller sees of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredJob {
    /// The job. Its metadata may be left out where no effect
    /// [touches](Effect::touches_metadata) it.
    pub job: Job,
    /// The fence of the attempt that runs.
    pub fence: Option<Fence>,
    /// The unique key that it holds: only a pending or running job does.
    pub unique: Option<UniqueKey>,
    /// Whether a pending job goes before the others of its priority.
    pub front: bool,
    /// The deadline to stop after a stop request.
    pub stop_by: Option<Millis>,
    /// When [`due`](crate::store::UpkeepStore::due) names it: at its [`StoredJob::own_due`], or
    /// later if it was postponed. `None` for a job that does not run.
    pub due: Option<Millis>,
    /// Whether the metadata asks the job to stop.
    pub stop_requested: bool,
    /// [`Metadata::bytes`] of all its metadata.
    pub metadata_bytes: u64,
}

impl StoredJob {
    /// A job as a push adds it, with these tags instead of those of `new`.
    #[must_use]
    pub fn added(new: NewJob, tags: Tags, key: JobKey, position: Position, now: Millis) -> Self {
        let mut entries = [const { None }; 4];
        let entry = Some(StateEntry { position, actor: new.actor });
        if new.scheduled {
            entries[State::Pending.index()].clone_from(&entry);
        }
        entries[new.state.index()] = entry;
        let is_active = matches!(new.state, State::Pending | State::Running);
        let stored = Self {
            job: Job {
                key,
                spider: new.spider,
                state: new.state,
                position,
                priority: new.priority,
                units: new.units,
                tags,
                entries,
                updated: now,
                attempt: u32::from(new.start.is_some()),
                lease_expires: new.start.as_ref().and_then(|start| start.lease_expires),
                counters: new.counters,
                metadata: new.metadata,
            },
            fence: new.start.map(|start| start.fence),
            unique: new.unique.filter(|_| is_active),
            front: false,
            stop_by: None,
            due: None,
            stop_requested: false,
            metadata_bytes: 0,
        };
        let stored = stored.with_derived();
        Self { due: stored.own_due(), ..stored }
    }

    /// When a running job is due if nobody postpones it: when its lease or its time to stop
    /// ends, whichever is first.
    #[must_use]
    pub fn own_due(&self) -> Option<Millis> {
        let ends = self.job.lease_expires.into_iter().chain(self.stop_by);
        ends.min().filter(|_| self.job.state == State::Running)
    }

    /// Whether the attempt with this fence holds the job at `now`.
    #[must_use]
    pub fn is_held_by(&self, fence: &Fence, now: Millis) -> bool {
        Holder::Fence(fence.clone()).refusal(self, now).is_none()
    }

    /// Brings what is derived from the metadata up to date, all of which must be there.
    #[must_use]
    pub fn with_derived(mut self) -> Self {
        let asked = self.job.metadata.get(STOP_REQUESTED);
        self.stop_requested = asked.is_some_and(|value| value.as_str() == "true");
        self.metadata_bytes = self.job.metadata.bytes() as u64;
        self
    }

    /// Enters the state that the job is in now. Entries into later states go: the job has not
    /// been there since.
    fn enter(&mut self, position: Position, actor: &Actor, effect: &Effect) {
        let job = &mut self.job;
        let index = job.state.index();
        let old = job.entries[index].take().filter(|_| effect.restore);
        let entry = old.unwrap_or_else(|| StateEntry { position, actor: actor.clone() });
        job.position = entry.position;
        job.entries[index] = Some(entry);
        job.entries[index + 1..].fill(None);
        self.front = effect.front && job.state == State::Pending;
    }

    /// Gives up what an attempt holds, and then takes a new attempt or lease: a requeue and a
    /// start may come in one effect.
    fn hold(&mut self, effect: &Effect, was_overtaken: bool) {
        if effect.release {
            (self.fence, self.job.lease_expires, self.stop_by) = (None, None, None);
            if self.job.state != State::Pending || effect.enter.is_none() {
                self.unique = None;
            }
        }
        if let Some(start) = &effect.start {
            self.fence = Some(start.fence.clone());
            self.job.lease_expires = start.lease_expires;
            self.job.attempt += 1;
        }
        if let Some(end) = effect.lease_expires {
            self.job.lease_expires = Some(self.renewed_lease(end, was_overtaken));
        }
        // A job that does not run has nobody who could stop by then.
        let stop_by = effect.stop_by.filter(|_| self.job.state == State::Running);
        self.stop_by = self.stop_by.or(stop_by);
    }

    /// When the lease ends after a heartbeat. One that was asked for before the job's last write was
    /// held up on its way to the store, and overtaken: it does not take back what the worker was
    /// promised by then.
    fn renewed_lease(&self, end: Millis, was_overtaken: bool) -> Millis {
        let promised = self.job.lease_expires.filter(|_| was_overtaken);
        promised.map_or(end, |promised| promised.max(end))
    }

    /// When the job is due after an effect. One that was postponed stays so until a start or a
    /// heartbeat.
    fn due_after(&self, before: &Self, effect: &Effect) -> Option<Millis> {
        let renewed = effect.start.is_some() || effect.lease_expires.is_some() || effect.release;
        if renewed || before.due == before.own_due() {
            return self.own_due();
        }
        before.due.filter(|_| self.job.state == State::Running)
    }
}

/// The tags of a new job: its spider's first, then its own. `None` if a job may not have so many.
#[must_use]
pub fn tags_with_spider(spider: &Tags, own: &Tags) -> Option<Tags> {
    Tags::new(spider.iter().chain(own.iter()).cloned()).ok()
}

/// What a store tells of the project of a job while a change applies. The numbers are those of
/// the same atomic step, with the changes before this one in it.
pub trait ProjectView {
    /// Why the store cannot tell.
    type Error: From<Error>;

    /// The project's settings that bound what runs.
    fn limits(&mut self) -> Result<RunningLimits, Self::Error>;

    /// Running jobs of the project, and their units in all. Asked only where a limit is set.
    fn running(&mut self) -> Result<(u64, u64), Self::Error>;

    /// Whether the spider has a limit of its own and runs as many jobs as that allows.
    fn is_full(&mut self, spider: SpiderId) -> Result<bool, Self::Error>;
}

/// An event to append to the project's event log, before it has its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// The job.
    pub key: JobKey,
    /// The state after it.
    pub state: State,
    /// The state before it; `None` for a new job.
    pub previous: Option<State>,
}

impl NewEvent {
    /// The event of a job that a push added.
    #[must_use]
    pub const fn added(job: &Job) -> Self {
        Self { key: job.key, state: job.state, previous: None }
    }

    /// The event of a job that was removed for good: it left its state for none. A running job
    /// is never removed.
    #[must_use]
    pub const fn purged(key: JobKey, state: State) -> Self {
        Self { key, state, previous: Some(state) }
    }

    /// Whether it is the request to stop a running job, which changes no state.
    #[must_use]
    pub fn is_stop(&self) -> bool {
        self.previous == Some(self.state) && self.state == State::Running
    }

    /// With its place, which follows that of the last event.
    #[must_use]
    pub fn at(self, cursor: EventCursor) -> JobEvent {
        let Self { key, state, previous } = self;
        JobEvent { cursor, key, state, previous, stop: self.is_stop() }
    }

    /// Of an effect: one for each entry into a state, and one for the first request to stop a
    /// running job. A job that does not run has nobody who could stop it.
    fn of_effect(before: &StoredJob, after: &StoredJob, effect: &Effect) -> Option<Self> {
        let (state, previous) = (after.job.state, before.job.state);
        let asked = after.stop_requested && !before.stop_requested && state == State::Running;
        let event = Self { key: after.job.key, state, previous: Some(previous) };
        (effect.enter.is_some() || asked).then_some(event)
    }
}

/// What an effect makes of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The job after it.
    pub after: StoredJob,
    /// The event that it makes. An entry into a state has the position that was given as the
    /// next one, unless the effect [restores](Effect::restore) an older entry.
    pub event: Option<NewEvent>,
    /// Whether somebody may wait for it, so that the project's subscriptions are to be notified:
    /// for events, and for whatever lets another job be claimed. Heartbeats are not.
    pub notify: bool,
}

/// What a change comes to: what the store returns, and what is to be written, if anything.
pub type Outcome = (Changed, Option<Applied>);

/// Decides a change of a job as it was found, and applies it. `next` is the position that an
/// entry into a state would get.
pub fn change<V: ProjectView>(
    found: Option<&StoredJob>,
    change: &Change,
    now: Millis,
    next: Position,
    project: &mut V,
) -> Result<Outcome, V::Error> {
    let Some(before) = found else {
        return Ok((Changed::Missing, None));
    };
    if let Some(refusal) = change.holder.refusal(before, now) {
        return Ok((refusal, None));
    }
    if change.unchanged_since.is_some_and(|read| read != before.job.updated) {
        return Ok((Changed::WrittenSince, None));
    }
    let previous = before.job.state;
    let index = match change.on[previous.index()] {
        Step::Refuse => return Ok((Changed::Refused(previous), None)),
        Step::Keep => return Ok((Changed::Kept(previous), None)),
        Step::Apply(index) => index,
        Step::Restore { ended, .. } if before.job.entry(State::Finished).is_some() => ended,
        Step::Restore { never_ended, .. } => never_ended,
    };
    let effect = change.effects.get(index);
    let effect = effect.ok_or_else(|| Error::bug("a change names an effect that it lacks"))?;
    Ok(match apply(before, effect, now, next, project)? {
        Err(refusal) => (refusal, None),
        Ok(applied) => {
            let StoredJob { job: Job { attempt, updated: written, .. }, stop_requested, .. } =
                applied.after;
            (Changed::Applied { previous, attempt, stop_requested, written }, Some(applied))
        }
    })
}

/// Applies an effect to a job; or says why the job may not become so. `next` as in [`change`].
pub fn apply<V: ProjectView>(
    before: &StoredJob,
    effect: &Effect,
    now: Millis,
    next: Position,
    project: &mut V,
) -> Result<Result<Applied, Changed>, V::Error> {
    let mut after = match edited(before, effect, now) {
        Ok(after) => after,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Some(limit) = exceeded(&before.job, &after.job, project)? {
        return Ok(Err(Changed::AtLimit(limit)));
    }
    after.hold(effect, before.job.updated > now);
    if let Some((_, actor)) = &effect.enter {
        after.enter(next, actor, effect);
    }
    after.due = after.due_after(before, effect);
    let event = NewEvent::of_effect(before, &after, effect);
    let notify = event.is_some() || may_allow_a_claim(&before.job, &after.job);
    Ok(Ok(Applied { after, event, notify }))
}

/// The job with its values, tags and state changed, before anything that depends on the project.
fn edited(before: &StoredJob, effect: &Effect, now: Millis) -> Result<StoredJob, Changed> {
    let tags = effect.tags.apply(&before.job.tags).map_err(|_| Changed::TooManyTags)?;
    let mut after = before.clone();
    after.job.tags = tags;
    if effect.touches_metadata() {
        merge(&mut after.job.metadata, effect);
        after = after.with_derived();
    }
    // A removal is never refused: it makes the metadata smaller, if not yet small enough.
    let limit = effect.max_bytes.filter(|_| !effect.set.is_empty());
    if limit.is_some_and(|limit| after.metadata_bytes > limit as u64) {
        return Err(Changed::TooLarge);
    }
    let job = &mut after.job;
    job.priority = effect.priority.unwrap_or(job.priority);
    job.units = effect.units.unwrap_or(job.units);
    job.counters = effect.counters.or(job.counters);
    job.updated = now.max(Millis(job.updated.0 + 1));
    job.state = effect.enter.as_ref().map_or(job.state, |(state, _)| *state);
    Ok(after)
}

fn merge(metadata: &mut Metadata, effect: &Effect) {
    metadata.extend(effect.set.clone());
    for field in &effect.remove {
        metadata.remove(field.as_str());
    }
}

/// Which limit does not allow the job to become so. A job that runs already is bound only by the
/// units that it gains.
fn exceeded<V: ProjectView>(
    before: &Job,
    after: &Job,
    project: &mut V,
) -> Result<Option<RunningLimit>, V::Error> {
    let units = u64::from(after.units.get());
    match (before.state, after.state) {
        (State::Running, State::Running) => {
            let more = units.saturating_sub(before.units.get().into());
            check_running(project, 0, more, None)
        }
        (_, State::Running) => check_running(project, 1, units, Some(after.key.spider)),
        (_, State::Pending | State::Finished | State::Deleted) => Ok(None),
    }
}

/// Whether a change without an event may let another job, or this one, be claimed.
fn may_allow_a_claim(before: &Job, after: &Job) -> bool {
    match after.state {
        State::Pending => {
            (before.priority, before.units) != (after.priority, after.units)
                || before.tags != after.tags
        }
        State::Running => after.units < before.units,
        State::Finished | State::Deleted => false,
    }
}

impl Holder {
    /// Why whoever asks may not change the job: its lease or attempt is not theirs.
    fn refusal(&self, stored: &StoredJob, now: Millis) -> Option<Changed> {
        let job = &stored.job;
        let running = job.state == State::Running;
        let runs = |attempt: &u32| running && job.attempt == *attempt;
        let is_over = |end: Option<Millis>| end.is_some_and(|end| end <= now);
        let leased = running && !is_over(job.lease_expires);
        let (holds, otherwise) = match self {
            Self::Anyone => (true, Changed::Stale),
            Self::Expired(attempt) => (runs(attempt) && is_over(job.lease_expires), Changed::Stale),
            Self::Overdue(attempt) => (runs(attempt) && is_over(stored.stop_by), Changed::Stale),
            Self::Fence(fence) => (leased && stored.fence.as_ref() == Some(fence), Changed::Stale),
            Self::Attempt(attempt) => (leased && runs(attempt), Changed::Stale),
            Self::StartedBy(actor) => {
                let entry = job.entry(State::Running);
                let started = entry.is_some_and(|entry| entry.actor == *actor);
                (running && started, Changed::NotHeld)
            }
        };
        (!holds).then_some(otherwise)
    }
}
