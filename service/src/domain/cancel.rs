//! Cancel: stop by key, or the oldest pending jobs in bulk (CONTRACT 4, cancel).

use super::{Domain, check_items, check_project, request::RequestId, stop::WhileRunning};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    model::{JobKey, ProjectId, Role},
    store::MAX_BATCH,
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
        for (part, chunk) in keys.chunks(MAX_BATCH).enumerate() {
            let key = request.as_ref().map(|request| request.part(part, self.now()));
            let step = self.stop_batch(caller, project, chunk, WhileRunning::Ask, key.as_ref());
            count += step.await?.unwrap_or_default();
        }
        Ok(count)
    }

    /// Cancels the `most` oldest pending jobs; answers how many there were. One that a worker
    /// takes before its turn is no longer pending, and is left alone.
    pub async fn cancel_oldest(
        &self,
        caller: &Caller,
        project: ProjectId,
        most: u32,
        request: Option<RequestId>,
    ) -> Result<u64> {
        caller.may(Role::Admin, project)?;
        if !(1..=MOST_OLDEST).contains(&most) {
            return Err(Error::invalid("oldest_pending", "must be from 1 to 100000"));
        }
        let mut left = u64::from(most);
        for part in 0.. {
            let limit = usize::try_from(left).map_or(MAX_BATCH, |left| left.min(MAX_BATCH));
            let keys = self.store.oldest_pending(project, limit).await?;
            let key = request.as_ref().map(|request| request.part(part, self.now()));
            // Under a request id even nothing is asked for: it may have been answered before.
            let step = self.stop_batch(caller, project, &keys, WhileRunning::Keep, key.as_ref());
            let Some(stopped) = step.await? else {
                break;
            };
            left = left.saturating_sub(stopped);
            if left == 0 {
                break;
            }
        }
        Ok(u64::from(most) - left)
    }
}
