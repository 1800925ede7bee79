//! A worker that can't go on gives its job back: the job is pending again, as one whose lease has
//! ended, but at once and whatever the project says of lost jobs. An update asks for it by the state
//! pending and the fence of the attempt (`docs/contract.md`, 1).

use super::{Domain, RequestId, reaper::requeued, step_digest, transition::entering};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    model::{FieldName, FieldSelection, Job, JobKey, JsonText, ProjectId, State},
    store::{Change, Changed, Effect, Holder, Step},
};

impl Domain {
    /// Gives the job that `holder` must hold back to the queue, before all others of its priority.
    /// One that was asked to stop ends as `cancelled` instead. `step` counts the steps of the call
    /// that `request_id` is of.
    pub(super) async fn give_back(
        &self,
        caller: &Caller,
        project: ProjectId,
        key: JobKey,
        holder: Holder,
        (request_id, step): (Option<&RequestId>, usize),
    ) -> Result<Changed> {
        let fields = FieldSelection::Named(vec![FieldName::known("stop_requested")]);
        let Some(job) = self.job_of(key, &fields).await? else {
            return Ok(Changed::Missing);
        };
        let mut on = [Step::Refuse; 4];
        on[State::Running.index()] = Step::Apply(0);
        let effects = vec![end_of_attempt(&job, caller)?];
        let change = Change { key, holder, unchanged_since: None, on, effects };
        let now = self.now();
        let digest = step_digest(request_id, step, now);
        let changed = self.store.change(project, vec![change], false, now, digest.as_ref()).await?;
        let changed = changed.into_iter().next();
        let changed = changed.ok_or_else(|| Error::bug("a change answered nothing"))?;
        if matches!(changed, Changed::Applied { stop_requested: true, .. }) {
            // It was asked for after the job was read, or the job has been cancelled.
            self.stop_requeued(project, vec![key], now).await?;
        }
        Ok(changed)
    }
}

fn end_of_attempt(job: &Job, caller: &Caller) -> Result<Effect> {
    let stop = job.metadata.get("stop_requested");
    if stop.is_none_or(|stop| stop.as_str() != "true") {
        return requeued(job);
    }
    let mut ended = Effect::default();
    ended.set.set("close_reason", JsonText::string("cancelled"));
    entering(State::Finished, ended, caller.actor())
}
