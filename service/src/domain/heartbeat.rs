//! Heartbeat: a worker's sign of life, which extends its lease.

use super::{Domain, batch::refusal, start::lease_end};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    model::{Counters, Fence, JobKey, Millis, State},
    store::{Change, Changed, Effect, Step},
};

/// A sign of life.
#[derive(Debug)]
pub struct Heartbeat {
    /// The job.
    pub key: JobKey,
    /// Secret of its attempt.
    pub fence: Fence,
    /// As in a start.
    pub lease_ms: Option<i64>,
    /// Counted so far.
    pub counters: Counters,
}

/// What the worker must know.
#[derive(Debug)]
pub struct Vitals {
    /// When the lease runs out.
    pub lease_expires: Millis,
    /// Whether to stop.
    pub stop_requested: bool,
}

impl Domain {
    /// Extends the lease of a job that `beat` still holds; [`Error::Stale`] when it does not.
    pub async fn heartbeat(&self, caller: &Caller, beat: Heartbeat) -> Result<Vitals> {
        let now = self.now();
        let lease = lease_end(beat.lease_ms, now)?
            .ok_or_else(|| Error::invalid("lease_ms", "must be from 1000 to 3600000"))?;
        let mut on = [Step::Refuse; 4];
        on[State::Running.index()] = Step::Apply(0);
        let change = Change {
            key: beat.key,
            holder: caller.may_write(beat.key, Some(beat.fence))?,
            on,
            effects: vec![Effect {
                lease_expires: Some(lease),
                counters: beat.counters,
                ..Effect::default()
            }],
        };
        let changed = self.store.change(beat.key.project, vec![change], false, now, None).await?;
        match changed.first() {
            Some(Changed::Applied { stop_requested, .. }) => {
                Ok(Vitals { lease_expires: lease, stop_requested: *stop_requested })
            }
            Some(other) => Err(refusal(beat.key, *other, None)
                .unwrap_or_else(|| Error::Stale(beat.key.to_string()))),
            None => Err(Error::bug("change answered nothing")),
        }
    }
}
