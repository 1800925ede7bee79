//! Delete and purge: hiding jobs, and removing hidden ones for good (CONTRACT 3 and 5).

use super::{
    Domain,
    batch::{found, refusal},
    check_items, check_project,
    transition::entering,
};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    model::{FieldSelection, JobKey, ProjectId, Role, State},
    store::{Change, Changed, Effect, Holder, MAX_BATCH, Purged, Step},
};

impl Domain {
    /// Deletes jobs; answers how many there are. One that is running refuses the call.
    ///
    /// Up to [`MAX_BATCH`] keys are deleted in one step or not at all. More are looked at first,
    /// so that a running one is seen before anything is done.
    pub async fn delete(
        &self,
        caller: &Caller,
        project: ProjectId,
        keys: &[JobKey],
    ) -> Result<u64> {
        caller.may(Role::User, project)?;
        check_items("keys", keys.len())?;
        check_project(project, keys)?;
        if keys.len() > MAX_BATCH {
            self.refuse_running(keys).await?;
        }
        let mut count = 0;
        for chunk in keys.chunks(MAX_BATCH) {
            count += self.delete_batch(caller, project, chunk).await?;
        }
        Ok(count)
    }

    async fn refuse_running(&self, keys: &[JobKey]) -> Result<()> {
        for chunk in keys.chunks(MAX_BATCH) {
            for job in self.store.get(chunk, &FieldSelection::Row).await?.into_iter().flatten() {
                if job.state == State::Running {
                    return Err(running(job.key));
                }
            }
        }
        Ok(())
    }

    async fn delete_batch(
        &self,
        caller: &Caller,
        project: ProjectId,
        keys: &[JobKey],
    ) -> Result<u64> {
        let effect = entering(State::Deleted, Effect::default(), caller.actor())?;
        let mut on = [Step::Apply(0); 4];
        on[State::Running.index()] = Step::Refuse;
        on[State::Deleted.index()] = Step::Keep;
        let changes = keys.iter().map(|key| Change {
            key: *key,
            holder: Holder::Anyone,
            on,
            effects: vec![effect.clone()],
        });
        let changes = changes.collect();
        let changed = self.store.change(project, changes, true, self.now(), None).await?;
        found(keys, changed, Some(State::Deleted))
    }

    /// Removes a deleted job for good. No error when there is no such job.
    pub async fn purge(&self, caller: &Caller, key: JobKey) -> Result<()> {
        caller.may(Role::User, key.project)?;
        match self.store.purge(key).await? {
            Purged::Done | Purged::Missing => Ok(()),
            Purged::Refused(state) => {
                Err(Error::WrongState(format!("job {key} is {}: delete it first", state.as_str())))
            }
        }
    }
}

fn running(key: JobKey) -> Error {
    let refused = refusal(key, Changed::Refused(State::Running), Some(State::Deleted));
    refused.unwrap_or_else(|| Error::bug("no refusal"))
}
