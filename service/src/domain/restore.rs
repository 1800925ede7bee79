//! Restoring deleted jobs: they are finished again, as they were before (`docs/contract.md`, 3,
//! restore). An update of the queue to finished restores one job in the same way.

use super::{
    BulkDone, BulkQuery, Domain, RequestId, bulk::BulkJobs, check_keys, step_digest,
    transition::restore_only,
};
use crate::auth::Caller;
use spiderq_core::{
    error::Result,
    limits::MAX_BATCH,
    model::{JobKey, ProjectId, Role, State, StateSet},
    store::{Change, Changed, Holder},
};

impl Domain {
    /// Restores those jobs that are deleted among those that the call selects, and counts them.
    pub async fn restore_jobs(&self, caller: &Caller, query: BulkQuery) -> Result<BulkDone> {
        let project = query.jobs.project;
        caller.may(Role::User, project)?;
        let deleted = StateSet::from_iter([State::Deleted]);
        let mut list = match self.bulk_jobs(query, deleted).await? {
            BulkJobs::Counted(count) => return Ok(BulkDone::all(count)),
            BulkJobs::Keys(keys, id) => {
                return self.restore_keys(caller, project, &keys, id).await.map(BulkDone::all);
            }
            BulkJobs::Found(list) => list,
        };
        let (mut count, mut next) = (0, list.next().await?);
        while let Some(keys) = next {
            let change = self.restore_keys(caller, project, &keys, None);
            let changed;
            (changed, next) = list.next_beside(change).await?;
            count += changed;
        }
        list.done(count).await
    }

    /// Restores jobs; returns how many were deleted. Others stay as they are.
    pub(super) async fn restore_keys(
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
                Change { key: *key, holder, unchanged_since: None, on, effects }
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
