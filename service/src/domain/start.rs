//! Starting jobs: handing the next pending one to a worker, which may wait for it
//! (`docs/contract.md`, 4, startjob).

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::{Domain, RequestId, lease::lease_length, reserved_fields::ReservedFields, step_digest};
use crate::auth::{Caller, Credentials};
use spiderq_core::{
    error::{Error, Result},
    limits::{
        MAX_BATCH, MAX_START_METADATA_BYTES, MAX_START_WAIT_MS, MAX_TAGS, START_DEADLINE_MARGIN,
        bytes_text,
    },
    model::{
        Actor, ClaimFilter, FenceSecret, Job, Metadata, Millis, ProjectId, Role, SpiderId, State,
    },
    store::{Claimed, Effect, NewAttempt},
};

/// A worker's call for a job.
#[derive(Debug)]
pub struct StartJob {
    /// Of which project.
    pub project: ProjectId,
    /// Which of its jobs.
    pub filter: ClaimFilter,
    /// Spiders by number, beside those that the filter names.
    pub spiders: Vec<SpiderId>,
    /// Fields to set of the job.
    pub metadata: Metadata,
    /// How long the lease is, ms; 0: without end; `None`:
    /// [`DEFAULT_LEASE_MS`](spiderq_core::limits::DEFAULT_LEASE_MS).
    pub lease_ms: Option<i64>,
    /// How long to wait for a job, ms: 0 to [`MAX_START_WAIT_MS`].
    pub wait_ms: i64,
    /// When the caller stops waiting for the response.
    pub deadline: Option<Instant>,
    /// The caller's, which are checked again while the call waits.
    pub credentials: Option<Credentials>,
}

/// A job that was started.
#[derive(Debug)]
pub struct StartedJob {
    /// With all its metadata.
    pub job: Job,
    /// The secret of the attempt.
    pub fence: FenceSecret,
    /// Its bearer may read and write the job while the attempt runs.
    pub token: String,
}

/// A call for a job after all checks: what each of its claims is made of.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) project: ProjectId,
    pub(super) filter: ClaimFilter,
    pub(super) credentials: Option<Credentials>,
    actor: Actor,
    /// What the call's metadata change.
    effect: Effect,
    /// `None`: a lease without end.
    lease_ms: Option<u64>,
    request_id: Option<RequestId>,
}

impl Domain {
    /// Starts the pending job of highest priority, the oldest first, that the filter selects and
    /// the limits allow; `None` when there was none in time.
    pub async fn start_job(
        &self,
        caller: &Caller,
        start: StartJob,
        request_id: Option<RequestId>,
    ) -> Result<Option<StartedJob>> {
        caller.may(Role::Worker, start.project)?;
        let until = end_of_wait(start.wait_ms, start.deadline)?;
        check_metadata(&start.metadata)?;
        let (mut filter, credentials) = (normalized(start.filter)?, start.credentials);
        let mut fields = ReservedFields::split(start.metadata)?;
        fields.check_start(caller, start.project)?;
        let effect = fields.effect();
        let lease_ms = lease_length(start.lease_ms)?;
        filter.spiders.extend(self.spider_names(start.project, &start.spiders).await?);
        if filter.spiders.is_empty() && !start.spiders.is_empty() {
            // No job can come of spiders that do not exist.
            if let Some(until) = until {
                self.end_of_waiting(start.project, credentials.as_ref(), until).await?;
            }
            return Ok(None);
        }
        let claim = Claim {
            project: start.project,
            filter: normalized(filter)?,
            actor: caller.actor().clone(),
            effect,
            lease_ms,
            request_id,
            credentials,
        };
        let Some(until) = until else {
            return self.claim(&claim).await;
        };
        // The answer that a request id already has must not wait behind other waiters.
        if claim.request_id.is_some()
            && let Some(started) = self.claim(&claim).await?
        {
            return Ok(Some(started));
        }
        self.wait_and_claim(&claim, until).await
    }

    /// Returns at `until` or at the shutdown; with an error once the caller may no longer start
    /// jobs of the project.
    pub(super) async fn end_of_waiting(
        &self,
        project: ProjectId,
        credentials: Option<&Credentials>,
        until: Instant,
    ) -> Result<()> {
        let may = |caller: &Caller| caller.may(Role::Worker, project);
        tokio::select! {
            () = self.shutdown.begun() => Ok(()),
            () = sleep_until(until) => Ok(()),
            error = self.auth.refused(credentials, may) => Err(error),
        }
    }

    /// Claims a job, if there is one now, for a caller that has waited and still may have it.
    pub(super) async fn claim_after_wait(&self, claim: &Claim) -> Result<Option<StartedJob>> {
        let may = |caller: &Caller| caller.may(Role::Worker, claim.project);
        self.auth.recheck(claim.credentials.as_ref(), may).await?;
        self.claim(claim).await
    }

    /// Claims a job, if there is one now.
    async fn claim(&self, claim: &Claim) -> Result<Option<StartedJob>> {
        let now = self.now();
        let (fences, id) = (self.auth.fences(), claim.request_id.as_ref().map(RequestId::digest));
        let secret = fences.new_secret(id)?;
        let effect = Effect {
            enter: Some((State::Running, claim.actor.clone())),
            start: Some(NewAttempt {
                fence: secret.kept(),
                lease_expires: claim.lease_ms.map(|length| Millis(now.0 + length)),
            }),
            max_bytes: None,
            ..claim.effect.clone()
        };
        let digest = step_digest(claim.request_id.as_ref(), 0, now);
        let claimed =
            self.store.claim(claim.project, &claim.filter, &effect, now, digest.as_ref()).await?;
        let Some(Claimed { job, fence: kept }) = claimed else {
            return Ok(None);
        };
        let fence = if secret.kept() == kept {
            secret
        } else {
            // The answer of an earlier call. Made with a secret that is gone, its fence is too.
            let again = id.and_then(|id| fences.again(id, &kept));
            again.ok_or(Error::Stale(job.key))?
        };
        let token = self.sign_job_token(job.key, job.attempt);
        Ok(Some(StartedJob { job, fence, token }))
    }
}

fn check_metadata(metadata: &Metadata) -> Result<()> {
    if metadata.bytes() > MAX_START_METADATA_BYTES {
        let limit = bytes_text(MAX_START_METADATA_BYTES);
        let limit = format!("must be at most {limit} in a start");
        return Err(Error::too_large("metadata", limit).at("metadata_json"));
    }
    Ok(())
}

/// When a wait of `wait_ms` from now ends; `None` for a wait of 0.
fn end_of_wait(wait_ms: i64, deadline: Option<Instant>) -> Result<Option<Instant>> {
    let wait = match u64::try_from(wait_ms) {
        Ok(0) => return Ok(None),
        Ok(wait @ 1..=MAX_START_WAIT_MS) => Duration::from_millis(wait),
        Ok(_) | Err(_) => {
            let accepted = format!("must be from 0 to {MAX_START_WAIT_MS} ms");
            return Err(Error::invalid("wait", accepted));
        }
    };
    let now = Instant::now();
    let end = now + wait;
    let before = |deadline: Instant| {
        deadline - START_DEADLINE_MARGIN.min(deadline.saturating_duration_since(now) / 10)
    };
    Ok(Some(deadline.map_or(end, |deadline| before(deadline).min(end))))
}

/// The filter with its names sorted, each once: waiters with equal filters wait together.
fn normalized(mut filter: ClaimFilter) -> Result<ClaimFilter> {
    sort_names("spiders", &mut filter.spiders, MAX_BATCH)?;
    sort_names("has_tags", &mut filter.has_tags, MAX_TAGS)?;
    sort_names("lacks_tags", &mut filter.lacks_tags, MAX_TAGS)?;
    Ok(filter)
}

fn sort_names<T: Ord>(field: &str, names: &mut Vec<T>, max: usize) -> Result<()> {
    if names.len() > max {
        return Err(Error::too_large(field, format!("at most {max} in one call")));
    }
    names.sort_unstable();
    names.dedup();
    Ok(())
}

#[cfg(test)]
mod tests;
