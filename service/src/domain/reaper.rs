//! The reaper: what becomes of running jobs whose lease has ended, and of those that were asked
//! to stop and have not. It may run in any number of processes: each change holds only for the
//! attempt and the lease that were read, so that a late heartbeat or another reaper that was
//! faster is not undone.
//!
//! - Lease ended, stop requested: finished as `cancelled`.
//! - Lease ended: back to pending before all others of its priority, as the project's
//!   `on_lost` and `max_attempts` say; else finished as `lost`.
//! - Not ended `cancel_timeout` after the request to stop: finished as `cancel_timeout`.
//!
//! A job that goes back loses `close_reason` and `scrapystats` of the lost attempt and what its
//! runner reported of its code, and its counters begin at 0 again; all other metadata stay. After an
//! [outage](super::outage) leases are renewed before any is ended.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use super::{
    Domain,
    execution_fields::REPORTS,
    settings::{self, LostJobs},
    transition::entering,
};
use spiderq_core::{
    error::{Error, Result},
    limits::MAX_BATCH,
    model::{
        Actor, Counters, FieldName, FieldSelection, Job, JobKey, JsonText, Metadata, Millis,
        ProjectId, State,
    },
    store::{Change, Changed, Effect, Holder, Step},
};

/// The actor of what the service does on its own.
const SERVICE_ACTOR: &str = "spiderq";
/// How long a job is left alone that can't be handled, ms.
const POSTPONE_MS: u64 = 60_000;
/// Fields that belong to an attempt: a requeued job loses them.
const ATTEMPT_FIELDS: [&str; 2] = ["close_reason", "scrapystats"];

/// Handles due jobs, round by round.
#[derive(Debug)]
pub struct Reaper {
    domain: Arc<Domain>,
    /// Jobs that the store named as due in the last round and that were not. They changed
    /// meanwhile; if it names them again, its index is wrong.
    doubtful: HashSet<JobKey>,
}

/// What a round did.
#[derive(Debug, Default)]
pub(super) struct Round {
    requeued: usize,
    finished: usize,
    doubtful: HashSet<JobKey>,
    failed: Vec<(JobKey, Error)>,
}

impl Reaper {
    /// Handles the jobs of this domain's store.
    #[must_use]
    pub fn new(domain: Arc<Domain>) -> Self {
        Self { domain, doubtful: HashSet::new() }
    }

    /// Handles up to [`MAX_BATCH`] due jobs; whether there may be more. A job that can't be read
    /// or changed is logged and left alone for a minute: only a store that can't be reached ends
    /// the round.
    pub async fn round(&mut self) -> Result<bool> {
        self.domain.end_outage().await?;
        let now = self.domain.now();
        let due = self.domain.store.due(now, MAX_BATCH).await?;
        let mut round = Round::default();
        let mut projects: BTreeMap<ProjectId, Vec<Job>> = BTreeMap::new();
        for job in self.domain.read_due(&due, &mut round).await? {
            projects.entry(job.key.project).or_default().push(job);
        }
        for (project, jobs) in projects {
            self.domain.end_attempts(project, &jobs, now, &mut round).await?;
        }
        let Round { requeued, finished, doubtful, mut failed } = round;
        if requeued + finished > 0 {
            tracing::info!(requeued, finished, "jobs without a worker");
        }
        let again = self.doubtful.intersection(&doubtful);
        failed
            .extend(again.map(|key| (*key, Error::bug("the store names it as due and it is not"))));
        self.doubtful = doubtful;
        let postponed = self.domain.postpone(&failed, Millis(now.0 + POSTPONE_MS)).await?;
        self.domain.note_round(now).await?;
        Ok(due.len() == MAX_BATCH && requeued + finished + postponed > 0)
    }
}

impl Round {
    /// Counts what became of a job; whether a requeued one was asked to stop in the meantime.
    fn add(&mut self, key: JobKey, end: AttemptEnd, changed: Changed) -> bool {
        match changed {
            Changed::Applied { stop_requested, .. } if end == AttemptEnd::Requeued => {
                self.requeued += 1;
                return stop_requested;
            }
            Changed::Applied { .. } => self.finished += 1,
            Changed::Stale | Changed::Refused(_) | Changed::Missing | Changed::Kept(_) => {
                self.doubtful.insert(key);
            }
            Changed::NotHeld
            | Changed::WrittenSince
            | Changed::TooManyTags
            | Changed::TooLarge
            | Changed::AtLimit(_) => {
                self.failed.push((key, Error::bug("the end of an attempt was refused")));
            }
        }
        false
    }
}

/// The error, unless the store can't be reached: that ends the round.
fn of_one_job(error: Error) -> Result<Error> {
    if matches!(error, Error::Unavailable { .. }) { Err(error) } else { Ok(error) }
}

impl Domain {
    /// The jobs of these keys that run.
    async fn read_due(&self, keys: &[JobKey], round: &mut Round) -> Result<Vec<Job>> {
        let mut jobs = Vec::new();
        for (key, job) in keys.iter().zip(self.read_all_or_each(keys, round).await?) {
            match job.filter(|job| job.state == State::Running) {
                Some(job) => jobs.push(job),
                None => {
                    round.doubtful.insert(*key);
                }
            }
        }
        Ok(jobs)
    }

    /// Reads all at once, or one by one if a record among them can't be read.
    pub(super) async fn read_all_or_each(
        &self,
        keys: &[JobKey],
        round: &mut Round,
    ) -> Result<Vec<Option<Job>>> {
        let fields = FieldSelection::Named(vec![FieldName::known("stop_requested")]);
        match self.store.get(keys, &fields).await {
            Ok(jobs) => return Ok(jobs),
            Err(error) => of_one_job(error)?,
        };
        let mut jobs = Vec::new();
        for key in keys {
            let job = match self.job_of(*key, &fields).await {
                Ok(job) => job,
                Err(error) => {
                    round.failed.push((*key, of_one_job(error)?));
                    None
                }
            };
            jobs.push(job);
        }
        Ok(jobs)
    }

    /// Requeues or finishes jobs of one project: in one step or, if that fails, one by one.
    async fn end_attempts(
        &self,
        project: ProjectId,
        jobs: &[Job],
        now: Millis,
        round: &mut Round,
    ) -> Result<()> {
        let lost = self.lost_jobs(project).await?;
        match self.end_attempts_at_once(project, jobs, lost, now, round).await {
            Ok(()) => return Ok(()),
            Err(error) => of_one_job(error)?,
        };
        for job in jobs {
            let one = std::slice::from_ref(job);
            if let Err(error) = self.end_attempts_at_once(project, one, lost, now, round).await {
                round.failed.push((job.key, of_one_job(error)?));
            }
        }
        Ok(())
    }

    async fn lost_jobs(&self, project: ProjectId) -> Result<LostJobs> {
        let names = [settings::ON_LOST, settings::MAX_ATTEMPTS];
        match self.store.named_settings(project, &names).await {
            Ok(settings) => Ok(settings::lost_jobs(&settings)),
            Err(error) => {
                let error = of_one_job(error)?;
                tracing::error!(%project, %error, "settings not read, defaults used");
                Ok(settings::lost_jobs(&Metadata::default()))
            }
        }
    }

    async fn end_attempts_at_once(
        &self,
        project: ProjectId,
        jobs: &[Job],
        lost: LostJobs,
        now: Millis,
        round: &mut Round,
    ) -> Result<()> {
        let ends: Vec<AttemptEnd> = jobs.iter().map(|job| AttemptEnd::of(job, lost, now)).collect();
        let changes = jobs.iter().zip(&ends).map(|(job, end)| end.change(job));
        let changes = changes.collect::<Result<Vec<_>>>()?;
        let changed = self.store.change(project, changes, false, now, None).await?;
        let mut asked_to_stop = Vec::new();
        for ((job, end), changed) in jobs.iter().zip(ends).zip(changed) {
            if round.add(job.key, end, changed) {
                asked_to_stop.push(job.key);
            }
        }
        self.stop_requeued(project, asked_to_stop, now).await
    }

    /// Stops jobs that were asked to stop after they were read and before they were requeued.
    pub(super) async fn stop_requeued(
        &self,
        project: ProjectId,
        keys: Vec<JobKey>,
        now: Millis,
    ) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let stop_by = Some(self.stop_by(project, now).await?);
        let mut on = [Step::Keep; 4];
        on[State::Pending.index()] = Step::Apply(0);
        // It may have been started again in between.
        on[State::Running.index()] = Step::Apply(1);
        let effects = vec![finished("cancelled")?, Effect { stop_by, ..Effect::default() }];
        let change = |key| Change {
            key,
            holder: Holder::Anyone,
            unchanged_since: None,
            on,
            effects: effects.clone(),
        };
        let changes = keys.into_iter().map(change).collect();
        self.store.change(project, changes, false, now, None).await?;
        Ok(())
    }

    /// Logs each failure once and keeps its job out of the next rounds; how many it could.
    async fn postpone(&self, failed: &[(JobKey, Error)], until: Millis) -> Result<usize> {
        let mut postponed = 0;
        for (key, error) in failed {
            tracing::error!(%key, %error, cause = error.cause(), "due job left alone for a minute");
            match self.store.postpone(*key, until).await {
                Ok(()) => postponed += 1,
                Err(error) => {
                    let error = of_one_job(error)?;
                    tracing::error!(%key, %error, "due job not postponed");
                }
            }
        }
        Ok(postponed)
    }
}

/// How the attempt of a due job ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AttemptEnd {
    Requeued,
    Lost,
    Cancelled,
    /// The job still has a worker, which did not stop in time.
    TimedOut,
}

impl AttemptEnd {
    fn of(job: &Job, lost: LostJobs, now: Millis) -> Self {
        if job.lease_expires.is_none_or(|end| end > now) {
            return Self::TimedOut;
        }
        let stop = job.metadata.get("stop_requested");
        if stop.is_some_and(|stop| stop.as_str() == "true") {
            return Self::Cancelled;
        }
        if lost.requeue && u64::from(job.attempt) < lost.max_attempts {
            return Self::Requeued;
        }
        Self::Lost
    }

    fn change(self, job: &Job) -> Result<Change> {
        let (holder, effect) = match self {
            Self::Requeued => (Holder::Expired(job.attempt), requeued(job)?),
            Self::Lost => (Holder::Expired(job.attempt), finished("lost")?),
            Self::Cancelled => (Holder::Expired(job.attempt), finished("cancelled")?),
            Self::TimedOut => (Holder::Overdue(job.attempt), finished("cancel_timeout")?),
        };
        let mut on = [Step::Refuse; 4];
        on[State::Running.index()] = Step::Apply(0);
        Ok(Change { key: job.key, holder, unchanged_since: None, on, effects: vec![effect] })
    }
}

fn finished(close_reason: &str) -> Result<Effect> {
    let mut ended = Effect::default();
    ended.set.set("close_reason", JsonText::string(close_reason));
    entering(State::Finished, ended, &Actor::parse(SERVICE_ACTOR)?)
}

/// What puts a running job back before all others of its priority, without what belongs to its
/// attempt.
pub(super) fn requeued(job: &Job) -> Result<Effect> {
    let Counters { items, pages, logs, errors } = job.counters;
    // A counter that the lost attempt did not know stays unknown.
    let zero = |counter: Option<u64>| counter.and(Some(0));
    let base = Effect {
        front: true,
        remove: ATTEMPT_FIELDS.into_iter().chain(REPORTS).map(FieldName::known).collect(),
        counters: Counters {
            items: zero(items),
            pages: zero(pages),
            logs: zero(logs),
            errors: zero(errors),
        },
        ..Effect::default()
    };
    Ok(Effect { release: true, ..entering(State::Pending, base, &scheduled_by(job)?)? })
}

/// Who scheduled the job; for one that was never pending, who started it.
fn scheduled_by(job: &Job) -> Result<Actor> {
    let entry = job.entry(State::Pending).or(job.entry(State::Running));
    entry.map_or_else(|| Actor::parse(SERVICE_ACTOR), |entry| Ok(entry.actor.clone()))
}

#[cfg(test)]
mod tests;
