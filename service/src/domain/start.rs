//! Start: handing the next pending job to a worker, who may wait for it (CONTRACT 4,
//! startjob; DESIGN 3).

use std::time::Duration;

use tokio::time::Instant;

use super::{Domain, known::Known, request::RequestId};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    model::{Actor, ClaimFilter, Fence, Job, Metadata, Millis, ProjectId, Role, State},
    store::{self, Effect, MAX_BATCH},
};

/// Shortest and longest lease, ms.
const LEASES: std::ops::RangeInclusive<u64> = 1_000..=3_600_000;
/// A lease for those who ask for none in particular, ms.
const DEFAULT_LEASE: u64 = 30_000;
/// Most bytes of metadata that a start may bring. They may go over the job's own limit: a
/// job that is full must not block the queue.
const MOST_BYTES: usize = 256 << 10;
/// Longest wait, ms.
const LONGEST_WAIT: u64 = 60_000;
/// So much before the caller's own deadline a wait ends, or a tenth of the time that is left:
/// the answer must still get there, and no claim must be under way then.
const MARGIN: Duration = Duration::from_millis(500);

/// A worker's call for a job.
#[derive(Debug)]
pub struct Start {
    /// Of which project.
    pub project: ProjectId,
    /// Which of its jobs.
    pub wanted: ClaimFilter,
    /// Merged into the job's metadata.
    pub metadata: Metadata,
    /// How long the worker may be silent, ms; 0: without limit; `None`: the default.
    pub lease_ms: Option<i64>,
    /// How long to wait for a job, ms: 0 to 60,000.
    pub wait_ms: i64,
    /// When the caller waits no longer.
    pub due: Option<Instant>,
}

/// A job that was started.
#[derive(Debug)]
pub struct Started {
    /// With all its metadata.
    pub job: Job,
    /// Secret of the attempt.
    pub fence: Fence,
    /// Token of the attempt.
    pub token: String,
}

/// A call for a job, checked: what each of its claims is made of.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) project: ProjectId,
    pub(super) wanted: ClaimFilter,
    actor: Actor,
    /// What the metadata change.
    effect: Effect,
    /// Length, ms.
    lease: Option<u64>,
    request: Option<RequestId>,
}

impl Domain {
    /// Starts the pending job of highest priority, oldest first, of those wanted; `None` when
    /// there was none in time that may run.
    pub async fn start(
        &self,
        caller: &Caller,
        start: Start,
        request: Option<RequestId>,
    ) -> Result<Option<Started>> {
        caller.may(Role::Worker, start.project)?;
        let until = end_of_wait(start.wait_ms, start.due)?;
        if start.metadata.bytes() > MOST_BYTES {
            return Err(Error::TooLarge {
                field: "metadata".to_owned(),
                message: "must be at most 256 KiB in a start".to_owned(),
            });
        }
        let asked = Asked {
            project: start.project,
            wanted: checked(start.wanted)?,
            actor: caller.actor().clone(),
            effect: Known::of(start.metadata)?.effect(),
            lease: lease_length(start.lease_ms)?,
            request,
        };
        let Some(until) = until else {
            return self.claim(&asked).await;
        };
        // What was answered under this id before is answered at once.
        if asked.request.is_some()
            && let Some(started) = self.claim(&asked).await?
        {
            return Ok(Some(started));
        }
        self.claim_in_turn(&asked, until).await
    }

    /// Claims a job for `asked`, if there is one now.
    pub(super) async fn claim(&self, asked: &Asked) -> Result<Option<Started>> {
        let now = self.now();
        let effect = Effect {
            enter: Some((State::Running, asked.actor.clone())),
            start: Some(store::NewAttempt {
                fence: Fence::random()?,
                lease_expires: asked.lease.map(|length| Millis(now.0 + length)),
            }),
            max_bytes: None,
            ..asked.effect.clone()
        };
        let request = asked.request.as_ref().map(|request| request.part(0, now));
        let claimed =
            self.store.claim(asked.project, &asked.wanted, &effect, now, request.as_ref()).await?;
        Ok(claimed.map(|claimed| Started {
            token: self.token(claimed.job.key, claimed.job.attempt),
            job: claimed.job,
            fence: claimed.fence,
        }))
    }
}

/// When a wait of `wait_ms` from now ends; `None` for one of 0.
fn end_of_wait(wait_ms: i64, due: Option<Instant>) -> Result<Option<Instant>> {
    let wait = match u64::try_from(wait_ms) {
        Ok(0) => return Ok(None),
        Ok(wait @ 1..=LONGEST_WAIT) => Duration::from_millis(wait),
        Ok(_) | Err(_) => {
            let message = "must be from 0 to 60000 (ms)";
            return Err(Error::invalid("wait_ms", message));
        }
    };
    let now = Instant::now();
    let end = now + wait;
    let due = due.map(|due| due - MARGIN.min(due.saturating_duration_since(now) / 10));
    Ok(Some(due.map_or(end, |due| due.min(end))))
}

/// The same filter is the same text, however it was written: its names sorted, each once.
fn checked(mut wanted: ClaimFilter) -> Result<ClaimFilter> {
    let too_many = |field: &str, most: usize| Error::TooLarge {
        field: field.to_owned(),
        message: format!("at most {most} in one call"),
    };
    if wanted.spiders.len() > MAX_BATCH {
        return Err(too_many("spiders", MAX_BATCH));
    }
    for (field, tags) in
        [("has_tags", &mut wanted.has_tags), ("lacks_tags", &mut wanted.lacks_tags)]
    {
        if tags.len() > spiderq_core::limits::MAX_TAGS {
            return Err(too_many(field, spiderq_core::limits::MAX_TAGS));
        }
        tags.sort_unstable();
        tags.dedup();
    }
    wanted.spiders.sort_unstable();
    wanted.spiders.dedup();
    Ok(wanted)
}

/// When a lease of `lease_ms` from `now` runs out.
pub(super) fn lease_end(lease_ms: Option<i64>, now: Millis) -> Result<Option<Millis>> {
    Ok(lease_length(lease_ms)?.map(|length| Millis(now.0 + length)))
}

/// How long a lease is, ms; `None` for one without end.
fn lease_length(lease_ms: Option<i64>) -> Result<Option<u64>> {
    match lease_ms.map(u64::try_from) {
        None => Ok(Some(DEFAULT_LEASE)),
        Some(Ok(0)) => Ok(None),
        Some(Ok(length)) if LEASES.contains(&length) => Ok(Some(length)),
        Some(_) => Err(Error::invalid("lease_ms", "must be 0 (no lease) or from 1000 to 3600000")),
    }
}
