//! Restoring deleted jobs: they are finished again, as they were before (`docs/contract.md`, 3,
//! restore). An update of the queue to finished restores one job in the same way.

use super::{Domain, RequestId, check_keys, step_digest, transition::restore_only};
use crate::auth::Caller;
use spiderq_core::{
    error::Result,
    limits::MAX_BATCH,
    model::{JobKey, ProjectId, Role},
    store::{Change, Changed, Holder},
};

impl Domain {
    /// Restores jobs; returns how many were deleted. Others stay as they are.
    pub async fn restore_jobs(
        &self,
        caller: &Caller,
        project: ProjectId,
        keys: &[JobKey],
        request_id: Option<RequestId>,
    ) -> Result<u64> {
        caller.may(Role::User, project)?;
        check_keys(project, keys)?;
        let mut count = 0;
        for (step, chunk) in keys.chunks(MAX_BATCH).enumerate() {
            let now = self.now();
            let digest = step_digest(request_id.as_ref(), step, now);
            let (on, effects) = restore_only(caller.actor(), now)?;
            let change = |key: &JobKey| {
                let (holder, effects) = (Holder::Anyone, effects.clone());
                Change { key: *key, holder, on, effects }
            };
            let changes = chunk.iter().map(change).collect();
            let changed = self.store.change(project, changes, false, now, digest.as_ref()).await?;
            count += changed.iter().filter(|one| matches!(one, Changed::Applied { .. })).count();
        }
        Ok(count as u64)
    }
}

#[cfg(test)]
mod tests;
