//! Stop: ends a pending job, asks a running one to end (CONTRACT 3, stop).

use super::{Domain, check_items, check_project, transition::entering};
use crate::{
    auth::Caller,
    error::Result,
    model::{JobKey, JsonText, Metadata, ProjectId, State},
    store::{BATCH, Change, Changed, Effect, Holder, RequestKey, Role, Step},
};

impl Domain {
    /// Stops jobs; answers how many were pending or running.
    pub async fn stop(&self, caller: &Caller, project: ProjectId, keys: &[JobKey]) -> Result<u64> {
        caller.may(Role::User, project)?;
        check_items("keys", keys.len())?;
        check_project(project, keys)?;
        let mut count = 0;
        for chunk in keys.chunks(BATCH) {
            let step = self.stop_batch(caller, project, chunk, WhileRunning::Ask, None);
            count += step.await?.unwrap_or_default();
        }
        Ok(count)
    }

    /// Stops up to [`BATCH`] jobs in one step; answers how many were pending or running, or
    /// `None` when there was nothing to look at.
    pub(super) async fn stop_batch(
        &self,
        caller: &Caller,
        project: ProjectId,
        keys: &[JobKey],
        running: WhileRunning,
        request: Option<&RequestKey>,
    ) -> Result<Option<u64>> {
        if keys.is_empty() && request.is_none() {
            return Ok(None);
        }
        let changes = keys.iter().map(|key| stopping(*key, running, caller));
        let changes = changes.collect::<Result<Vec<_>>>()?;
        let now = self.now();
        let changed = self
            .store
            .change(project, changes, false, now, request)
            .await?;
        let applied = changed
            .iter()
            .filter(|one| matches!(one, Changed::Applied { .. }));
        let applied = applied.count() as u64;
        Ok((!changed.is_empty()).then_some(applied))
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

/// The change that stops a job, whatever it is doing.
fn stopping(key: JobKey, running: WhileRunning, caller: &Caller) -> Result<Change> {
    let mut asked = Metadata::default();
    asked.set("cancelled_by", JsonText::string(caller.actor().as_str()));
    let mut ended = asked.clone();
    asked.set("stop_requested", JsonText::boolean(true));
    ended.set("close_reason", JsonText::string("cancelled"));
    let ended = Effect {
        set: ended,
        ..Effect::default()
    };
    let mut on = [Step::Keep; 4];
    on[State::Pending.index()] = Step::Apply(0);
    on[State::Running.index()] = match running {
        WhileRunning::Ask => Step::Apply(1),
        WhileRunning::Keep => Step::Keep,
    };
    Ok(Change {
        key,
        holder: Holder::Anyone,
        on,
        effects: vec![
            entering(State::Finished, ended, caller.actor())?,
            Effect {
                set: asked,
                ..Effect::default()
            },
        ],
    })
}
