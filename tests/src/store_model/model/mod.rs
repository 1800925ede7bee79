//! The store trait for one project, as plainly as it can be said: a list of jobs that every
//! call goes through from end to end.

mod running;

use std::cmp::Reverse;

use spiderq_core::{
    model::{
        ClaimFilter, Fence, FieldSelection, Filter, Job, JobId, JobKey, Millis, Position,
        ProjectId, SpiderId, SpiderName, State, StateEntry, UniqueKey,
    },
    store::{Change, Changed, Claimed, Effect, Holder, JobEvent, NewJob, Purged, Pushed, Step},
};

use self::running::takes;

#[derive(Clone, Debug)]
struct Held {
    job: Job,
    fence: Option<Fence>,
    unique: Option<UniqueKey>,
    front: bool,
    stop_by: Option<Millis>,
    postponed: Option<Millis>,
}

/// A spider, by its name.
#[derive(Clone, Debug)]
struct Spider {
    name: SpiderName,
    /// How many jobs it has had.
    jobs: i64,
    max_running: Option<u32>,
}

/// A project.
#[derive(Clone, Debug)]
pub(super) struct Model {
    project: ProjectId,
    jobs: Vec<Held>,
    /// In the order of their numbers.
    spiders: Vec<Spider>,
    last: Position,
    /// What may run at a time.
    pub(super) max_running: Option<u64>,
    /// What those that run may weigh.
    pub(super) max_running_units: Option<u64>,
    /// All that was, numbered from 1.
    pub(super) events: Vec<JobEvent>,
}

impl Model {
    pub(super) const fn new(project: ProjectId) -> Self {
        Self {
            project,
            jobs: Vec::new(),
            spiders: Vec::new(),
            last: Position(0),
            max_running: None,
            max_running_units: None,
            events: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, jobs: Vec<NewJob>, now: Millis) -> Vec<Pushed> {
        jobs.into_iter().map(|job| self.push_one(job, now)).collect()
    }

    fn push_one(&mut self, new: NewJob, now: Millis) -> Pushed {
        let active = matches!(new.state, State::Pending | State::Running);
        if new.unique.is_some() && self.jobs.iter().any(|held| held.unique == new.unique) {
            return Pushed::Duplicate;
        }
        let unique = new.unique.filter(|_| active);
        let known = self.spiders.iter().position(|spider| spider.name == new.spider);
        let spider = known.unwrap_or(self.spiders.len());
        let before = self.clone();
        if known.is_none() {
            self.spiders.push(Spider { name: new.spider.clone(), jobs: 0, max_running: None });
        }
        self.spiders[spider].jobs += 1;
        let key = JobKey {
            project: self.project,
            spider: SpiderId::new(spider as i64 + 1).unwrap(),
            job: JobId::new(self.spiders[spider].jobs).unwrap(),
        };
        let mut held = Held {
            job: Job {
                key,
                spider: new.spider,
                state: new.state,
                position: self.last,
                priority: new.priority,
                units: new.units,
                tags: new.tags,
                entries: [const { None }; 4],
                updated: now,
                attempt: u32::from(new.start.is_some()),
                lease_expires: new.start.as_ref().and_then(|start| start.lease_expires),
                counters: new.counters,
                metadata: new.metadata,
            },
            fence: new.start.map(|start| start.fence),
            unique,
            front: false,
            stop_by: None,
            postponed: None,
        };
        if let Some(limit) = self.exceeded(None, &held.job) {
            *self = before;
            return Pushed::AtLimit(limit);
        }
        self.record(&held.job, None, false);
        self.enter(&mut held.job, new.state, new.actor, now);
        if new.scheduled {
            let entry = held.job.entries[new.state.index()].clone();
            held.job.entries[State::Pending.index()] = entry;
        }
        self.jobs.push(held);
        Pushed::Added(key)
    }

    pub(super) fn claim(
        &mut self,
        wanted: &ClaimFilter,
        effect: &Effect,
        now: Millis,
    ) -> Option<Claimed> {
        let pending = self.jobs.iter().filter(|held| {
            held.job.state == State::Pending && takes(wanted, &held.job) && self.may_run(&held.job)
        });
        let place = |held: &&Held| {
            let (priority, front) = (Reverse(held.job.priority), Reverse(held.front));
            (priority, front, held.job.position)
        };
        let key = pending.min_by_key(place)?.job.key;
        match self.apply(key, effect, now) {
            None => {}
            Some(Changed::AtLimit(_)) => return None,
            Some(other) => panic!("a claim adds no tags and has no limit of bytes: {other:?}"),
        }
        let held = self.find(key)?;
        Some(Claimed { job: held.job.clone(), fence: held.fence.clone()? })
    }

    pub(super) fn change(
        &mut self,
        changes: &[Change],
        all_or_nothing: bool,
        now: Millis,
    ) -> Vec<Changed> {
        let before = self.clone();
        let answers: Vec<Changed> =
            changes.iter().map(|change| self.change_one(change, now)).collect();
        let refused = answers.iter().any(|answer| {
            matches!(
                answer,
                Changed::Refused(_)
                    | Changed::Stale
                    | Changed::NotHeld
                    | Changed::TooManyTags
                    | Changed::TooLarge
                    | Changed::AtLimit(_)
            )
        });
        if all_or_nothing && refused {
            *self = before;
        }
        answers
    }

    fn change_one(&mut self, change: &Change, now: Millis) -> Changed {
        let Some(Held { job, fence, stop_by, .. }) = self.find(change.key) else {
            return Changed::Missing;
        };
        let runs = job.state == State::Running;
        let leased = runs && job.lease_expires.is_none_or(|end| end > now);
        let is_over = |attempt: &u32, end: Option<Millis>| {
            runs && job.attempt == *attempt && end.is_some_and(|end| end <= now)
        };
        let starter = job.entry(State::Running).map(|entry| &entry.actor);
        match &change.holder {
            Holder::Fence(theirs) if !leased || fence.as_ref() != Some(theirs) => {
                return Changed::Stale;
            }
            Holder::Attempt(theirs) if !leased || job.attempt != *theirs => return Changed::Stale,
            Holder::Expired(theirs) if !is_over(theirs, job.lease_expires) => {
                return Changed::Stale;
            }
            Holder::Overdue(theirs) if !is_over(theirs, *stop_by) => return Changed::Stale,
            Holder::StartedBy(who) if !runs || starter != Some(who) => return Changed::NotHeld,
            Holder::Anyone
            | Holder::Fence(_)
            | Holder::Attempt(_)
            | Holder::StartedBy(_)
            | Holder::Expired(_)
            | Holder::Overdue(_) => {}
        }
        let previous = job.state;
        match change.on[previous.index()] {
            Step::Refuse => return Changed::Refused(previous),
            Step::Keep => return Changed::Kept(previous),
            Step::Apply(effect) => {
                let effect = &change.effects[effect];
                if let Some(refusal) = self.apply(change.key, effect, now) {
                    return refusal;
                }
            }
        }
        let job = &self.find(change.key).unwrap().job;
        Changed::Applied { previous, attempt: job.attempt, stop_requested: stop_requested(job) }
    }

    /// Or why the job may not become so.
    fn apply(&mut self, key: JobKey, effect: &Effect, now: Millis) -> Option<Changed> {
        let at = self.jobs.iter().position(|held| held.job.key == key);
        let mut held = self.jobs[at.unwrap()].clone();
        let Ok(tags) = effect.tags.apply(&held.job.tags) else {
            return Some(Changed::TooManyTags);
        };
        held.job.tags = tags;
        held.job.metadata.extend(effect.set.clone());
        held.job.metadata.retain(|name| effect.remove.iter().all(|gone| gone.as_str() != name));
        let bytes = held.job.metadata.bytes();
        if !effect.set.is_empty() && effect.max_bytes.is_some_and(|most| bytes > most) {
            return Some(Changed::TooLarge);
        }
        held.job.priority = effect.priority.unwrap_or(held.job.priority);
        held.job.units = effect.units.unwrap_or(held.job.units);
        held.job.state = effect.enter.as_ref().map_or(held.job.state, |enter| enter.0);
        let before = self.find(key).map(|held| held.job.clone());
        if let Some(limit) = self.exceeded(before.as_ref(), &held.job) {
            return Some(Changed::AtLimit(limit));
        }
        let stop = stop_requested(&held.job) && !before.as_ref().is_some_and(stop_requested);
        if effect.enter.is_some() || stop {
            let previous = before.map(|job| job.state);
            self.record(&held.job, previous, effect.enter.is_none());
        }
        if effect.release {
            (held.fence, held.job.lease_expires, held.stop_by) = (None, None, None);
            if !matches!(effect.enter, Some((State::Pending, _))) {
                held.unique = None;
            }
        }
        if let Some((state, actor)) = effect.enter.clone() {
            self.enter(&mut held.job, state, actor, now);
            held.front = effect.front;
        }
        if effect.start.is_some() || effect.lease_expires.is_some() || effect.release {
            held.postponed = None;
        }
        held.stop_by = held.stop_by.or(effect.stop_by);
        if let Some(start) = effect.start.clone() {
            held.job.attempt += 1;
            held.fence = Some(start.fence);
            held.job.lease_expires = start.lease_expires;
        }
        if effect.lease_expires.is_some() {
            held.job.lease_expires = effect.lease_expires;
        }
        held.job.counters = effect.counters.or(held.job.counters);
        held.job.updated = now;
        self.jobs[at.unwrap()] = held;
        None
    }

    fn enter(
        &mut self,
        job: &mut Job,
        state: State,
        actor: spiderq_core::model::Actor,
        now: Millis,
    ) {
        self.last = Position::after(self.last, now);
        job.state = state;
        job.position = self.last;
        job.entries[state.index()] = Some(StateEntry { position: self.last, actor });
        job.entries[state.index() + 1..].fill(None);
    }

    pub(super) fn purge(&mut self, key: JobKey) -> Purged {
        match self.find(key).map(|held| held.job.state) {
            None => Purged::Missing,
            Some(State::Deleted) => {
                self.jobs.retain(|held| held.job.key != key);
                Purged::Done
            }
            Some(state) => Purged::Refused(state),
        }
    }

    pub(super) fn get(&self, keys: &[JobKey], fields: &FieldSelection) -> Vec<Option<Job>> {
        let job = |key: &JobKey| self.find(*key).map(|held| reduced(&held.job, fields));
        keys.iter().map(job).collect()
    }

    pub(super) fn list(&self, filter: &Filter, fields: &FieldSelection) -> Vec<Job> {
        let matching = self.jobs.iter().filter(|held| filter.matches(&held.job));
        let mut jobs: Vec<Job> = matching.map(|held| reduced(&held.job, fields)).collect();
        jobs.sort_by_key(|job| Reverse(job.position));
        jobs
    }

    pub(super) fn oldest_pending(&self, limit: usize) -> Vec<JobKey> {
        let pending =
            Filter { states: [State::Pending].into_iter().collect(), ..Filter::default() };
        let jobs = self.list(&pending, &FieldSelection::Row);
        jobs.iter().rev().take(limit).map(|job| job.key).collect()
    }

    fn record(&mut self, after: &Job, previous: Option<State>, stop: bool) {
        self.events.push(JobEvent {
            number: self.events.len() as u64 + 1,
            key: after.key,
            state: after.state,
            previous,
            stop,
        });
    }

    fn find(&self, key: JobKey) -> Option<&Held> {
        self.jobs.iter().find(|held| held.job.key == key)
    }
}

fn stop_requested(job: &Job) -> bool {
    let stop = job.metadata.get("stop_requested");
    stop.is_some_and(|json| json.as_str() == "true")
}

fn reduced(job: &Job, fields: &FieldSelection) -> Job {
    let mut job = job.clone();
    job.metadata.retain(|name| fields.includes(name));
    job
}
