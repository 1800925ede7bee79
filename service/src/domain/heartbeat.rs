//! Heartbeats: a worker's signs of life, which extend its lease.

use super::{Domain, change_outcome::refusal, lease::lease_end};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    limits::{MAX_LEASE_MS, MIN_LEASE_MS},
    model::{Counters, Fence, JobKey, Millis, State},
    store::{Change, Changed, Effect, Holder, Step},
};

/// A worker's sign of life.
#[derive(Debug)]
pub struct Heartbeat {
    /// The job that the worker runs.
    pub key: JobKey,
    /// The secret of the attempt; the job's own token needs none.
    pub fence: Option<Fence>,
    /// How long the lease is from now on, ms; `None`: the default. It can't be 0.
    pub lease_ms: Option<i64>,
    /// What the worker counted so far.
    pub counters: Counters,
}

/// What a worker must know after a heartbeat.
#[derive(Debug)]
pub struct HeartbeatResult {
    /// When the lease ends now.
    pub lease_expires: Millis,
    /// Whether the worker is asked to stop the job.
    pub stop_requested: bool,
}

impl Domain {
    /// Extends the lease of a job that the worker still holds, else [`Error::Stale`].
    pub async fn heartbeat(
        &self,
        caller: &Caller,
        heartbeat: Heartbeat,
    ) -> Result<HeartbeatResult> {
        let Heartbeat { key, fence, lease_ms, counters } = heartbeat;
        self.end_outage_if_known().await;
        let now = self.now();
        let lease_expires = lease_end(lease_ms, now)?.ok_or_else(|| {
            let accepted = format!("must be from {MIN_LEASE_MS} to {MAX_LEASE_MS} ms");
            Error::invalid("lease", accepted)
        })?;
        let mut on = [Step::Refuse; 4];
        on[State::Running.index()] = Step::Apply(0);
        let effect = Effect { lease_expires: Some(lease_expires), counters, ..Effect::default() };
        let holder = held_by(caller.may_write(key, fence)?)?;
        let change = Change { key, holder, unchanged_since: None, on, effects: vec![effect] };
        let changed = self.change_one(change, now).await;
        self.outages.heartbeat(!matches!(changed, Err(Error::Unavailable { .. })));
        let changed = changed?;
        let Changed::Applied { stop_requested, .. } = changed else {
            return Err(refusal(key, changed, None).unwrap_or(Error::Stale(key)));
        };
        Ok(HeartbeatResult { lease_expires, stop_requested })
    }
}

/// The holder, who must be a worker by its own attempt: no key alone shows that.
fn held_by(holder: Holder) -> Result<Holder> {
    match holder {
        Holder::Fence(_) | Holder::Attempt(_) => Ok(holder),
        Holder::Anyone | Holder::StartedBy(_) | Holder::Expired(_) | Holder::Overdue(_) => {
            Err(Error::invalid("fence", "is required, or the job's own token"))
        }
    }
}

#[cfg(test)]
mod tests;
