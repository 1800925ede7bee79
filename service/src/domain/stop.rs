//! Stop: ends a pending job, asks a running one to end (CONTRACT 3, stop).

use super::{Domain, check_items, transition::entering};
use crate::{
    auth::Caller,
    error::{Error, Result},
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
            count += self.stop_batch(caller, project, chunk, None).await?;
        }
        Ok(count)
    }

    /// Stops up to [`BATCH`] jobs in one step.
    pub(super) async fn stop_batch(
        &self,
        caller: &Caller,
        project: ProjectId,
        keys: &[JobKey],
        request: Option<&RequestKey>,
    ) -> Result<u64> {
        let changes = keys.iter().map(|key| stopping(*key, caller));
        let changes = changes.collect::<Result<Vec<_>>>()?;
        let now = self.now();
        let changed = self
            .store
            .change(project, changes, false, now, request)
            .await?;
        let applied = changed
            .iter()
            .filter(|one| matches!(one, Changed::Applied { .. }));
        Ok(applied.count() as u64)
    }
}

/// The change that stops a job, whatever it is doing.
fn stopping(key: JobKey, caller: &Caller) -> Result<Change> {
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
    on[State::Running.index()] = Step::Apply(1);
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

/// Every key must be of the project that the call is about.
pub(super) fn check_project(project: ProjectId, keys: &[JobKey]) -> Result<()> {
    match keys.iter().find(|key| key.project != project) {
        Some(key) => Err(Error::invalid(
            "key",
            format!("must be a job of project {project}, {key} is not"),
        )),
        None => Ok(()),
    }
}
