//! Cancelling the oldest pending jobs in bulk (`docs/contract.md`, 4, cancel). Cancelling by
//! key is [`stop_jobs`](Domain::stop_jobs).

use super::{Domain, RequestId, step_digest};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    limits::{MAX_BATCH, MAX_CANCEL_OLDEST},
    model::{ProjectId, Role, State, StateSet},
};

impl Domain {
    /// How many jobs [`Domain::cancel_oldest`] would cancel.
    pub async fn count_oldest(
        &self,
        caller: &Caller,
        project: ProjectId,
        limit: i32,
    ) -> Result<u64> {
        caller.may(Role::Admin, project)?;
        let limit = check_limit(limit)?;
        let pending = self.store.project_counts(project).await?.pending;
        Ok(pending.min(limit))
    }

    /// Cancels the `limit` oldest pending jobs, up to [`MAX_CANCEL_OLDEST`]; returns how many
    /// there were. One that a worker takes meanwhile is no longer pending, and is left alone.
    pub async fn cancel_oldest(
        &self,
        caller: &Caller,
        project: ProjectId,
        limit: i32,
        request_id: Option<RequestId>,
    ) -> Result<u64> {
        caller.may(Role::Admin, project)?;
        let limit = check_limit(limit)?;
        let pending = StateSet::from_iter([State::Pending]);
        let mut left = limit;
        for step in 0.. {
            let size = usize::try_from(left).map_or(MAX_BATCH, |left| left.min(MAX_BATCH));
            let keys = self.store.oldest_pending(project, size).await?;
            // Under a request id the store is asked even about no job: it may have an answer.
            let digest = step_digest(request_id.as_ref(), step, self.now());
            let actor = caller.actor();
            let Some(stopped) = self.stop_batch(actor, project, &keys, pending, digest).await?
            else {
                break;
            };
            left = left.saturating_sub(stopped);
            if left == 0 {
                break;
            }
        }
        Ok(limit - left)
    }
}

fn check_limit(limit: i32) -> Result<u64> {
    match u32::try_from(limit) {
        Ok(limit @ 1..=MAX_CANCEL_OLDEST) => Ok(limit.into()),
        Ok(_) | Err(_) => {
            let accepted = format!("must be from 1 to {MAX_CANCEL_OLDEST}");
            Err(Error::invalid("oldest_pending", accepted))
        }
    }
}

#[cfg(test)]
mod tests;
