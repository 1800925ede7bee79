//! Stopping jobs: it ends a pending job and asks a running one to end (`docs/contract.md`, 3,
//! stop).

use futures::TryFutureExt as _;

use super::{
    BulkDone, BulkQuery, Domain, RequestId, bulk::BulkJobs, check_keys, settings, step_digest,
    transition::entering,
};
use crate::auth::Caller;
use spiderq_core::{
    error::Result,
    limits::MAX_BATCH,
    model::{Actor, JobKey, JsonText, Metadata, Millis, ProjectId, Role, State, StateSet},
    store::{Change, Changed, Effect, Holder, RequestDigest, Step},
};

impl Domain {
    /// Stops the jobs that the call selects; counts those that were pending or running.
    pub async fn stop_jobs(&self, caller: &Caller, query: BulkQuery) -> Result<BulkDone> {
        let project = query.jobs.project;
        caller.may(Role::User, project)?;
        let active = [State::Pending, State::Running].into_iter().collect();
        let mut list = match self.bulk_jobs(query, active).await? {
            BulkJobs::Counted(count) => return Ok(BulkDone::all(count)),
            BulkJobs::Keys(keys, id) => {
                return self.stop_keys(caller, project, &keys, id).await.map(BulkDone::all);
            }
            BulkJobs::Found(list) => list,
        };
        let (actor, states) = (caller.actor(), list.states);
        let (mut count, mut next) = (0, list.next().await?);
        while let Some(keys) = next {
            let change = self
                .stop_batch(actor, project, &keys, states, None)
                .map_ok(Option::unwrap_or_default);
            let changed;
            (changed, next) = list.next_beside(change).await?;
            count += changed;
        }
        list.done(count).await
    }

    /// Stops jobs; returns how many were pending or running.
    pub(super) async fn stop_keys(
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
            let digest = step_digest(request_id.as_ref(), step, self.now());
            let actor = caller.actor();
            let stopped = self.stop_batch(actor, project, chunk, StateSet::ALL, digest).await?;
            count += stopped.unwrap_or_default();
        }
        Ok(count)
    }

    /// Stops those of up to [`MAX_BATCH`] jobs that are pending or running and in one of `states`,
    /// in one step; returns how many there were, or `None` when no job was named, now or when the
    /// request id was first used.
    pub(super) async fn stop_batch(
        &self,
        actor: &Actor,
        project: ProjectId,
        keys: &[JobKey],
        states: StateSet,
        digest: Option<RequestDigest>,
    ) -> Result<Option<u64>> {
        if keys.is_empty() && digest.is_none() {
            return Ok(None);
        }
        let now = self.now();
        let stop_by = match states.contains(State::Running) {
            true => Some(self.stop_by(project, now).await?),
            false => None,
        };
        let changes = keys.iter().map(|key| stop_change(*key, states, stop_by, actor));
        let changes = changes.collect::<Result<Vec<_>>>()?;
        let changed = self.store.change(project, changes, false, now, digest.as_ref()).await?;
        let applied = changed.iter().filter(|one| matches!(one, Changed::Applied { .. })).count();
        Ok((!changed.is_empty()).then_some(applied as u64))
    }

    /// Until when a running job that is asked to stop at `now` may take to end.
    pub(super) async fn stop_by(&self, project: ProjectId, now: Millis) -> Result<Millis> {
        let settings = self.store.named_settings(project, &[settings::CANCEL_TIMEOUT]).await?;
        Ok(Millis(now.0 + 1_000 * settings::cancel_timeout(&settings)))
    }
}

/// The change that stops a job that is in one of `states`. A running one has until `stop_by` to
/// end.
fn stop_change(
    key: JobKey,
    states: StateSet,
    stop_by: Option<Millis>,
    actor: &Actor,
) -> Result<Change> {
    let mut asked = Metadata::default();
    asked.set("cancelled_by", JsonText::string(actor.as_str()));
    let mut ended = asked.clone();
    asked.set("stop_requested", JsonText::boolean(true));
    ended.set("close_reason", JsonText::string("cancelled"));
    let ended = Effect { set: ended, ..Effect::default() };
    let mut on = [Step::Keep; 4];
    for (step, state) in [State::Pending, State::Running].into_iter().enumerate() {
        if states.contains(state) {
            on[state.index()] = Step::Apply(step);
        }
    }
    let asked = Effect { stop_by, set: asked, ..Effect::default() };
    let effects = vec![entering(State::Finished, ended, actor)?, asked];
    Ok(Change { key, holder: Holder::Anyone, unchanged_since: None, on, effects })
}

#[cfg(test)]
mod tests;
