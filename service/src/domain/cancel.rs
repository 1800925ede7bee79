//! Cancelling the oldest pending jobs in bulk (`docs/contract.md`, 4, cancel). Cancelling by
//! key is [`stop_jobs`](Domain::stop_jobs).

use super::{Domain, RequestId, step_digest, stop::WhileRunning};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    limits::{MAX_BATCH, MAX_CANCEL_OLDEST},
    model::{ProjectId, Role},
};

impl Domain {
    /// Cancels the `limit` oldest pending jobs, up to [`MAX_CANCEL_OLDEST`]; returns how many
    /// there were. One that a worker takes meanwhile is no longer pending, and is left alone.
    pub async fn cancel_oldest(
        &self,
        caller: &Caller,
        project: ProjectId,
        limit: u32,
        request_id: Option<RequestId>,
    ) -> Result<u64> {
        caller.may(Role::Admin, project)?;
        if !(1..=MAX_CANCEL_OLDEST).contains(&limit) {
            let accepted = format!("must be from 1 to {MAX_CANCEL_OLDEST}");
            return Err(Error::invalid("oldest_pending", accepted));
        }
        let mut left = u64::from(limit);
        for step in 0.. {
            let size = usize::try_from(left).map_or(MAX_BATCH, |left| left.min(MAX_BATCH));
            let keys = self.store.oldest_pending(project, size).await?;
            // Under a request id the store is asked even about no job: it may have an answer.
            let digest = step_digest(request_id.as_ref(), step, self.now());
            let (actor, keep) = (caller.actor(), WhileRunning::Keep);
            let Some(stopped) = self.stop_batch(actor, project, &keys, keep, digest).await? else {
                break;
            };
            left = left.saturating_sub(stopped);
            if left == 0 {
                break;
            }
        }
        Ok(u64::from(limit) - left)
    }
}

#[cfg(test)]
mod tests;
