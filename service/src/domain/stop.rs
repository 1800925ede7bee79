//! Stop: ends a pending job, asks a running one to end (CONTRACT 3, stop).

use super::{Domain, check_items, check_project, rules, transition::entering};
use crate::auth::Caller;
use spiderq_core::{
    error::Result,
    model::{JobKey, JsonText, Metadata, Millis, ProjectId, Role, State},
    store::{Change, Changed, Effect, Holder, MAX_BATCH, RequestDigest, Step},
};

impl Domain {
    /// Stops jobs; answers how many were pending or running.
    pub async fn stop(&self, caller: &Caller, project: ProjectId, keys: &[JobKey]) -> Result<u64> {
        caller.may(Role::User, project)?;
        check_items("keys", keys.len())?;
        check_project(project, keys)?;
        let mut count = 0;
        for chunk in keys.chunks(MAX_BATCH) {
            let step = self.stop_batch(caller, project, chunk, WhileRunning::Ask, None);
            count += step.await?.unwrap_or_default();
        }
        Ok(count)
    }

    /// Stops up to [`MAX_BATCH`] jobs in one step; answers how many were pending or running, or
    /// `None` when there was nothing to look at.
    pub(super) async fn stop_batch(
        &self,
        caller: &Caller,
        project: ProjectId,
        keys: &[JobKey],
        running: WhileRunning,
        request: Option<&RequestDigest>,
    ) -> Result<Option<u64>> {
        if keys.is_empty() && request.is_none() {
            return Ok(None);
        }
        let now = self.now();
        let by = match running {
            WhileRunning::Ask => Some(self.stop_by(project, now).await?),
            WhileRunning::Keep => None,
        };
        let changes = keys.iter().map(|key| stopping(*key, by, caller));
        let changes = changes.collect::<Result<Vec<_>>>()?;
        let changed = self.store.change(project, changes, false, now, request).await?;
        let applied = changed.iter().filter(|one| matches!(one, Changed::Applied { .. }));
        let applied = applied.count() as u64;
        Ok((!changed.is_empty()).then_some(applied))
    }

    /// Until when a running job that is asked to stop at `now` may do so by itself.
    pub(super) async fn stop_by(&self, project: ProjectId, now: Millis) -> Result<Millis> {
        let names = [rules::CANCEL_TIMEOUT];
        let settings = self.store.named_settings(project, &names).await?;
        Ok(Millis(now.0 + 1_000 * rules::cancel_timeout(&settings)))
    }
}

/// What a stop does to a job that is running.
#[derive(Clone, Copy, Debug)]
pub(super) enum WhileRunning {
    /// It asks its worker to stop.
    Ask,
    /// Nothing: it is about pending jobs.
    Keep,
}

/// The change that stops a job, whatever it is doing; a running one has until `by` to end by
/// itself, and without that is left alone.
fn stopping(key: JobKey, by: Option<Millis>, caller: &Caller) -> Result<Change> {
    let mut asked = Metadata::default();
    asked.set("cancelled_by", JsonText::string(caller.actor().as_str()));
    let mut ended = asked.clone();
    asked.set("stop_requested", JsonText::boolean(true));
    ended.set("close_reason", JsonText::string("cancelled"));
    let ended = Effect { set: ended, ..Effect::default() };
    let mut on = [Step::Keep; 4];
    on[State::Pending.index()] = Step::Apply(0);
    on[State::Running.index()] = match by {
        Some(_) => Step::Apply(1),
        None => Step::Keep,
    };
    Ok(Change {
        key,
        holder: Holder::Anyone,
        on,
        effects: vec![
            entering(State::Finished, ended, caller.actor())?,
            Effect { stop_by: by, set: asked, ..Effect::default() },
        ],
    })
}
