//! Cancel: stop by key, or the oldest pending jobs in bulk (CONTRACT 4, cancel).

use super::{Domain, check_items, request::RequestId, stop::check_project};
use crate::{
    auth::Caller,
    error::{Error, Result},
    model::{JobKey, ProjectId},
    store::{BATCH, Role},
};

/// Most jobs that one bulk cancel may name.
const MOST_OLDEST: u32 = 100_000;

impl Domain {
    /// Stops the jobs of these keys; answers how many were pending or running.
    pub async fn cancel(
        &self,
        caller: &Caller,
        project: ProjectId,
        keys: &[JobKey],
        request: Option<RequestId>,
    ) -> Result<u64> {
        caller.may(Role::User, project)?;
        check_items("keys", keys.len())?;
        check_project(project, keys)?;
        let mut count = 0;
        for (part, chunk) in keys.chunks(BATCH).enumerate() {
            let key = request
                .as_ref()
                .map(|request| request.part(part, self.now()));
            count += self
                .stop_batch(caller, project, chunk, key.as_ref())
                .await?;
        }
        Ok(count)
    }

    /// Cancels the `most` oldest pending jobs; answers how many there were.
    pub async fn cancel_oldest(
        &self,
        caller: &Caller,
        project: ProjectId,
        most: u32,
    ) -> Result<u64> {
        caller.may(Role::Admin, project)?;
        if !(1..=MOST_OLDEST).contains(&most) {
            return Err(Error::invalid("oldest_pending", "must be from 1 to 100000"));
        }
        let mut left = u64::from(most);
        while left > 0 {
            let limit = usize::try_from(left).map_or(BATCH, |left| left.min(BATCH));
            let keys = self.store.oldest_pending(project, limit).await?;
            if keys.is_empty() {
                break;
            }
            // A job that a worker took in between is asked to stop: it was among the oldest.
            let stopped = self.stop_batch(caller, project, &keys, None).await?;
            left = left.saturating_sub(stopped.max(1));
        }
        Ok(u64::from(most) - left)
    }
}
