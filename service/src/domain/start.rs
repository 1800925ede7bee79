//! Start: handing the next pending job to a worker (CONTRACT 4, startjob; DESIGN 3).

use super::{Domain, known::Known, request::RequestId};
use crate::{
    auth::Caller,
    error::{Error, Result},
    model::{Fence, Job, Metadata, Millis, ProjectId, SpiderName, State},
    store::{self, BATCH, Effect, Role, Wanted},
};

/// Shortest and longest lease, ms.
const LEASES: std::ops::RangeInclusive<u64> = 1_000..=3_600_000;
/// A lease for those who ask for none in particular, ms.
const DEFAULT_LEASE: u64 = 30_000;
/// Most bytes of metadata that a start may bring. They may go over the job's own limit: a
/// job that is full must not block the queue.
const MOST_BYTES: usize = 256 << 10;

/// A worker's call for a job.
#[derive(Debug)]
pub struct Start {
    /// Of which project.
    pub project: ProjectId,
    /// Just of these spiders; empty: of all.
    pub spiders: Vec<SpiderName>,
    /// Merged into the job's metadata.
    pub metadata: Metadata,
    /// How long the worker may be silent, ms; 0: without limit; `None`: the default.
    pub lease_ms: Option<i64>,
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

impl Domain {
    /// Starts the pending job of highest priority, oldest first; `None` when there is none.
    pub async fn start(
        &self,
        caller: &Caller,
        start: Start,
        request: Option<RequestId>,
    ) -> Result<Option<Started>> {
        caller.may(Role::Worker, start.project)?;
        if start.spiders.len() > BATCH {
            return Err(Error::TooLarge {
                field: "spiders".to_owned(),
                message: format!("at most {BATCH} in one call"),
            });
        }
        let now = self.now();
        if start.metadata.bytes() > MOST_BYTES {
            return Err(Error::TooLarge {
                field: "metadata".to_owned(),
                message: "must be at most 256 KiB in a start".to_owned(),
            });
        }
        let effect = Effect {
            enter: Some((State::Running, caller.actor().clone())),
            start: Some(store::Start {
                fence: Fence::random()?,
                lease_expires: lease_end(start.lease_ms, now)?,
            }),
            most_bytes: None,
            ..Known::of(start.metadata)?.effect()
        };
        let request = request.map(|request| request.part(0, now));
        let claimed = self
            .store
            .claim(
                start.project,
                &Wanted {
                    spiders: start.spiders,
                    ..Wanted::default()
                },
                &effect,
                now,
                request.as_ref(),
            )
            .await?;
        Ok(claimed.map(|claimed| Started {
            token: self.token(claimed.job.key, claimed.job.attempt),
            job: claimed.job,
            fence: claimed.fence,
        }))
    }
}

/// When a lease of `lease_ms` from `now` runs out.
pub(super) fn lease_end(lease_ms: Option<i64>, now: Millis) -> Result<Option<Millis>> {
    let length = match lease_ms.map(u64::try_from) {
        None => DEFAULT_LEASE,
        Some(Ok(0)) => return Ok(None),
        Some(Ok(length)) if LEASES.contains(&length) => length,
        Some(_) => {
            return Err(Error::invalid(
                "lease_ms",
                "must be 0 (no lease) or from 1000 to 3600000",
            ));
        }
    };
    Ok(Some(Millis(now.0 + length)))
}
