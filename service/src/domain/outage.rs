//! Outages: while no process ran, or none reached the store, nobody could hear a heartbeat. What has
//! held its lease until then must not be lost for that: leases that ended meanwhile, or end right
//! afterwards, are renewed once, for as long as the outage was, at most
//! [`MAX_HEARTBEAT_GRACE_MS`].
//!
//! The store keeps when the last round of a reaper was, of whatever process. As long as one of
//! several processes makes its rounds there is no outage, and another that starts ends what is due.
//! In a Cluster only the whole store counts, not the master of one project.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{Domain, reaper::Round};
use spiderq_core::{
    error::{Error, Result},
    limits::{MAX_BATCH, MAX_HEARTBEAT_GRACE_MS, MIN_OUTAGE_MS},
    model::{Job, Millis, ProjectId, State},
    store::{Change, Changed, Effect, Holder, Step},
    uptime,
};

/// How often a process keeps the time of its last round in the store.
const KEEP_INTERVAL: Duration = Duration::from_secs(1);
/// How long writes go on before the store is asked again that could not say.
const UNKNOWN_INTERVAL: Duration = Duration::from_secs(5);
/// Jobs that are looked at after an outage: more than workers there can be.
const MAX_RENEWED: usize = 100_000;

/// What this process knows of it.
#[derive(Debug, Default)]
pub(super) struct Outages {
    state: Mutex<Heard>,
    /// Held while an outage is ended.
    ending: tokio::sync::Mutex<()>,
    /// Held while a write waits for that.
    writes: tokio::sync::Mutex<()>,
}

/// By the [`uptime`] of the machine.
#[derive(Debug, Default)]
struct Heard {
    /// Until when heartbeats could be heard.
    until: Option<Duration>,
    /// When the store was last told.
    kept: Option<Duration>,
    /// The last heartbeat could not be written: rounds that only read do not count.
    failing: bool,
    /// When the store could not say whether there was an outage.
    unknown: Option<Duration>,
}

impl Outages {
    /// Whether heartbeats could be heard until a moment ago.
    fn none_is_under_way(&self) -> bool {
        let until = self.state().until;
        until.is_some_and(|until| uptime().saturating_sub(until) < min_outage())
    }

    /// A heartbeat came: whether it could be written.
    pub(super) fn heartbeat(&self, written: bool) {
        self.state().failing = !written;
    }

    /// Counts a round, if it does count; whether the store is to keep it.
    fn count_round(&self) -> bool {
        let (mut state, now) = (self.state(), uptime());
        if state.failing {
            return false;
        }
        state.until = Some(now);
        state.kept.is_none_or(|kept| now.saturating_sub(kept) >= KEEP_INTERVAL)
    }

    /// Whether the store could not say a moment ago whether there was an outage.
    fn is_unknown(&self) -> bool {
        let unknown = self.state().unknown;
        unknown.is_some_and(|since| uptime().saturating_sub(since) < UNKNOWN_INTERVAL)
    }

    fn unknown(&self) {
        self.state().unknown = Some(uptime());
    }

    fn kept(&self) {
        self.state().kept = Some(uptime());
    }

    fn ended(&self) {
        let now = Some(uptime());
        *self.state() = Heard { until: now, kept: now, failing: false, unknown: None };
    }

    fn state(&self) -> MutexGuard<'_, Heard> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const fn min_outage() -> Duration {
    Duration::from_millis(MIN_OUTAGE_MS)
}

impl Domain {
    /// Before anything goes by the end of a lease: if there was an outage, renews the leases that
    /// nobody could extend.
    pub async fn end_outage(&self) -> Result<()> {
        if self.outages.none_is_under_way() {
            return Ok(());
        }
        let _one_at_a_time = self.outages.ending.lock().await;
        if self.outages.none_is_under_way() {
            return Ok(());
        }
        let now = self.now();
        if let Some(last) = self.store.last_round().await? {
            let outage_ms = now.0.saturating_sub(last.0);
            if outage_ms >= MIN_OUTAGE_MS {
                let until = Millis(now.0 + outage_ms.min(MAX_HEARTBEAT_GRACE_MS));
                let renewed = self.renew_leases(last, now, until).await?;
                tracing::warn!(outage_ms, renewed, "no heartbeats were heard: leases are renewed");
            }
        }
        // Only now: another process that comes meanwhile must renew them too, and not end them.
        self.store.keep_round(now).await?;
        self.outages.ended();
        Ok(())
    }

    /// The same before a write of a worker, which goes on where the store can't say whether there was
    /// an outage: the master with that may be away while that of the job is not.
    pub(super) async fn end_outage_if_known(&self) {
        if self.outages.none_is_under_way() || self.outages.is_unknown() {
            return;
        }
        let _one_at_a_time = self.outages.writes.lock().await;
        if self.outages.is_unknown() {
            return;
        }
        if let Err(error) = self.end_outage().await {
            self.outages.unknown();
            tracing::debug!(%error, "nobody knows whether there was an outage");
        }
    }

    /// Notes a round of the reaper that began at `now` and has succeeded.
    pub(super) async fn note_round(&self, now: Millis) -> Result<()> {
        if self.outages.count_round() {
            self.store.keep_round(now).await?;
            self.outages.kept();
        }
        Ok(())
    }

    /// Renews the leases that ended after `last`, or end before `until`; how many.
    async fn renew_leases(&self, last: Millis, now: Millis, until: Millis) -> Result<usize> {
        let due = self.store.due(Millis(until.0 - 1), MAX_RENEWED).await?;
        let mut renewed = 0;
        for keys in due.chunks(MAX_BATCH) {
            // What can't be read is the reaper's to report.
            let jobs = self.read_all_or_each(keys, &mut Round::default()).await?;
            let mut changes: BTreeMap<ProjectId, Vec<Change>> = BTreeMap::new();
            for job in jobs.into_iter().flatten() {
                if let Some(change) = renewal(&job, last, now, until) {
                    changes.entry(job.key.project).or_default().push(change);
                }
            }
            for (project, changes) in changes {
                renewed += self.renew(project, changes, now).await?;
            }
        }
        Ok(renewed)
    }

    async fn renew(&self, project: ProjectId, changes: Vec<Change>, now: Millis) -> Result<usize> {
        match self.store.change(project, changes, false, now, None).await {
            Ok(changed) => {
                let done = |changed: &&Changed| matches!(changed, Changed::Applied { .. });
                Ok(changed.iter().filter(done).count())
            }
            Err(away @ Error::Unavailable { .. }) => Err(away),
            // One job must not hold up all others.
            Err(error) => {
                tracing::error!(%project, %error, cause = error.cause(), "leases not renewed");
                Ok(0)
            }
        }
    }
}

/// What renews the lease of a job, unless a heartbeat comes first.
fn renewal(job: &Job, last: Millis, now: Millis, until: Millis) -> Option<Change> {
    let running = job.state == State::Running;
    let end = job.lease_expires.filter(|end| running && *end > last && *end < until)?;
    let holder =
        if end <= now { Holder::Expired(job.attempt) } else { Holder::Attempt(job.attempt) };
    let mut on = [Step::Refuse; 4];
    on[State::Running.index()] = Step::Apply(0);
    let effect = Effect { lease_expires: Some(until), ..Effect::default() };
    Some(Change {
        key: job.key,
        holder,
        unchanged_since: Some(job.updated),
        on,
        effects: vec![effect],
    })
}

#[cfg(test)]
mod tests;
