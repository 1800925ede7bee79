//! Reap: what becomes of running jobs whose lease has ended, and of those that were asked to
//! stop and have not (DESIGN 3). Safe in any number of processes: each change holds only for
//! the attempt and the lease that were seen, so that a late heartbeat or another reaper that
//! was faster is left undisturbed.
//!
//! - Lease ended, stop requested: finished as `cancelled`.
//! - Lease ended: back to pending before all others of its priority, as the project's
//!   `on_lost` and `max_attempts` say; else finished as `lost`.
//! - Not ended `cancel_timeout` after the request to stop: finished as `cancel_timeout`.
//!
//! A job that goes back loses `close_reason` and `scrapystats` of the lost attempt, and its
//! counters begin at 0 again; all other metadata stay.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use super::{Domain, rules, rules::Lost, transition::entering};
use spiderq_core::{
    error::{Error, Result},
    model::{
        Actor, Counters, FieldName, FieldSelection, Job, JobKey, JsonText, Metadata, Millis,
        ProjectId, State,
    },
    store::{Change, Changed, Effect, Holder, MAX_BATCH, Step},
};

/// The actor of what the service does by itself.
const SERVICE: &str = "spiderq";
/// How long a job is left alone with which nothing can be done, ms.
const POSTPONED: u64 = 60_000;
/// What a requeued job no longer has.
const OF_AN_ATTEMPT: [&str; 2] = ["close_reason", "scrapystats"];

/// Works off due jobs, round by round.
#[derive(Debug)]
pub struct Reaper {
    domain: Arc<Domain>,
    /// Those that were named as due in the last round and were not: they changed meanwhile,
    /// or the store's index is wrong.
    doubtful: HashSet<JobKey>,
}

/// A round in numbers.
#[derive(Debug, Default)]
struct Round {
    requeued: usize,
    finished: usize,
    doubtful: HashSet<JobKey>,
    bad: Vec<(JobKey, Error)>,
}

impl Reaper {
    /// For the jobs of this domain's store.
    #[must_use]
    pub fn new(domain: Arc<Domain>) -> Self {
        Self { domain, doubtful: HashSet::new() }
    }

    /// Deals with the jobs that are due, up to [`MAX_BATCH`]; whether there may be more. What
    /// can't be read or changed is logged and left alone for a minute: only a store that is
    /// out of reach ends a round.
    pub async fn round(&mut self) -> Result<bool> {
        let now = self.domain.now();
        let due = self.domain.store.due(now, MAX_BATCH).await?;
        let mut round = Round::default();
        let jobs = self.domain.read_due(&due, &mut round).await?;
        let mut projects: BTreeMap<ProjectId, Vec<Job>> = BTreeMap::new();
        for job in jobs {
            projects.entry(job.key.project).or_default().push(job);
        }
        for (project, jobs) in projects {
            self.domain.settle(project, &jobs, now, &mut round).await?;
        }
        if round.requeued + round.finished > 0 {
            let (requeued, finished) = (round.requeued, round.finished);
            tracing::info!(requeued, finished, "jobs without a worker");
        }
        for key in self.doubtful.intersection(&round.doubtful) {
            let error = Error::bug("is named as due and is not");
            round.bad.push((*key, error));
        }
        self.doubtful = std::mem::take(&mut round.doubtful);
        let until = Millis(now.0 + POSTPONED);
        let postponed = self.domain.postpone(&round.bad, until).await?;
        let done = round.requeued + round.finished + postponed;
        Ok(due.len() == MAX_BATCH && done > 0)
    }
}

impl Domain {
    /// The jobs of these keys that run; one by one where all at once can't be read.
    async fn read_due(&self, keys: &[JobKey], round: &mut Round) -> Result<Vec<Job>> {
        let fields = FieldSelection::Named(vec![FieldName::known("stop_requested")]);
        let found = match self.store.get(keys, &fields).await {
            Ok(found) => found,
            Err(away @ Error::Unavailable { .. }) => return Err(away),
            Err(_) => {
                let mut found = Vec::new();
                for key in keys {
                    match self.store.get(&[*key], &fields).await {
                        Ok(one) => found.extend(one),
                        Err(away @ Error::Unavailable { .. }) => return Err(away),
                        Err(error) => {
                            round.bad.push((*key, error));
                            found.push(None);
                        }
                    }
                }
                found
            }
        };
        let mut jobs = Vec::new();
        for (key, job) in keys.iter().zip(found) {
            match job.filter(|job| job.state == State::Running) {
                Some(job) => jobs.push(job),
                None => {
                    round.doubtful.insert(*key);
                }
            }
        }
        Ok(jobs)
    }

    /// Requeues or finishes jobs of one project, in one step or, where that fails, one by one.
    async fn settle(
        &self,
        project: ProjectId,
        jobs: &[Job],
        now: Millis,
        round: &mut Round,
    ) -> Result<()> {
        let names = [rules::ON_LOST, rules::MAX_ATTEMPTS];
        let lost = match self.store.named_settings(project, &names).await {
            Ok(settings) => rules::lost(&settings),
            Err(away @ Error::Unavailable { .. }) => return Err(away),
            Err(error) => {
                tracing::error!(%project, %error, "settings can't be read; the defaults hold");
                rules::lost(&Metadata::default())
            }
        };
        match self.settle_at_once(jobs, lost, now, round).await {
            Ok(()) => return Ok(()),
            Err(away @ Error::Unavailable { .. }) => return Err(away),
            Err(_) => {}
        }
        for job in jobs {
            match self.settle_at_once(std::slice::from_ref(job), lost, now, round).await {
                Ok(()) => {}
                Err(away @ Error::Unavailable { .. }) => return Err(away),
                Err(error) => round.bad.push((job.key, error)),
            }
        }
        Ok(())
    }

    async fn settle_at_once(
        &self,
        jobs: &[Job],
        lost: Lost,
        now: Millis,
        round: &mut Round,
    ) -> Result<()> {
        let Some(project) = jobs.first().map(|job| job.key.project) else {
            return Ok(());
        };
        let ends: Vec<End> = jobs.iter().map(|job| End::of(job, lost, now)).collect();
        let changes = jobs.iter().zip(&ends).map(|(job, end)| end.change(job));
        let changes = changes.collect::<Result<Vec<_>>>()?;
        let changed = self.store.change(project, changes, false, now, None).await?;
        let mut asked = Vec::new();
        for ((job, end), changed) in jobs.iter().zip(ends).zip(changed) {
            match (changed, end) {
                (Changed::Applied { stop_requested, .. }, End::Requeued) => {
                    round.requeued += 1;
                    if stop_requested {
                        asked.push(job.key);
                    }
                }
                (Changed::Applied { .. }, _) => round.finished += 1,
                (Changed::Stale | Changed::Refused(_) | Changed::Missing | Changed::Kept(_), _) => {
                    round.doubtful.insert(job.key);
                }
                (
                    Changed::NotHeld
                    | Changed::TooManyTags
                    | Changed::TooLarge
                    | Changed::AtLimit(_),
                    _,
                ) => round.bad.push((job.key, Error::bug("an end that is refused"))),
            }
        }
        self.stop_requeued(project, asked, now).await
    }

    /// Ends jobs that were asked to stop just before they went back to pending.
    async fn stop_requeued(
        &self,
        project: ProjectId,
        keys: Vec<JobKey>,
        now: Millis,
    ) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let by = self.stop_by(project, now).await?;
        let change = |key| {
            let mut on = [Step::Keep; 4];
            on[State::Pending.index()] = Step::Apply(0);
            on[State::Running.index()] = Step::Apply(1);
            let running = Effect { stop_by: Some(by), ..Effect::default() };
            Ok(Change {
                key,
                holder: Holder::Anyone,
                on,
                effects: vec![finished("cancelled")?, running],
            })
        };
        let changes = keys.into_iter().map(change).collect::<Result<Vec<_>>>()?;
        self.store.change(project, changes, false, now, None).await?;
        Ok(())
    }

    /// Logs each once and keeps it out of the way; how many it could.
    async fn postpone(&self, bad: &[(JobKey, Error)], until: Millis) -> Result<usize> {
        let mut postponed = 0;
        for (key, error) in bad {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            tracing::error!(%key, %error, cause, "a due job is left alone for a minute");
            match self.store.postpone(*key, until).await {
                Ok(()) => postponed += 1,
                Err(away @ Error::Unavailable { .. }) => return Err(away),
                Err(error) => tracing::error!(%key, %error, "it can't be put off"),
            }
        }
        Ok(postponed)
    }
}

/// What becomes of a due job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Requeued,
    Lost,
    Cancelled,
    /// It still has a worker, which did not stop in time.
    TimedOut,
}

impl End {
    fn of(job: &Job, lost: Lost, now: Millis) -> Self {
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
        Ok(Change { key: job.key, holder, on, effects: vec![effect] })
    }
}

fn finished(close_reason: &str) -> Result<Effect> {
    let mut ended = Effect::default();
    ended.set.set("close_reason", JsonText::string(close_reason));
    entering(State::Finished, ended, &Actor::parse(SERVICE)?)
}

/// Who scheduled it; of a job that was never pending, who started it.
fn scheduler(job: &Job) -> Result<Actor> {
    let entry = job.entry(State::Pending).or(job.entry(State::Running));
    entry.map_or_else(|| Actor::parse(SERVICE), |entry| Ok(entry.actor.clone()))
}

/// What is not known of the lost attempt stays unknown.
fn requeued(job: &Job) -> Result<Effect> {
    let Counters { items, pages, logs, errors } = job.counters;
    let again = Effect {
        front: true,
        remove: OF_AN_ATTEMPT.map(FieldName::known).into(),
        counters: Counters {
            items: items.and(Some(0)),
            pages: pages.and(Some(0)),
            logs: logs.and(Some(0)),
            errors: errors.and(Some(0)),
        },
        ..Effect::default()
    };
    Ok(Effect { release: true, ..entering(State::Pending, again, &scheduler(job)?)? })
}
