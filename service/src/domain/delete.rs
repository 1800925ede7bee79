//! Deleting and purging: hiding jobs, and removing hidden ones for good (`docs/contract.md`,
//! 3 and 5).

use super::{Domain, change_outcome::wrong_state, check_keys, transition::entering};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    limits::MAX_BATCH,
    model::{FieldSelection, JobKey, ProjectId, Role, State},
    store::{Effect, Holder, Purged, Step},
};

impl Domain {
    /// Deletes jobs; returns how many there are. One that is running refuses the call.
    ///
    /// Up to [`MAX_BATCH`] keys are deleted in one step or not at all. More are looked at first,
    /// so that a running one is seen before anything is done.
    pub async fn delete_jobs(
        &self,
        caller: &Caller,
        project: ProjectId,
        keys: &[JobKey],
    ) -> Result<u64> {
        caller.may(Role::User, project)?;
        check_keys(project, keys)?;
        if keys.len() > MAX_BATCH {
            self.refuse_running(keys).await?;
        }
        let mut on = [Step::Apply(0); 4];
        on[State::Running.index()] = Step::Refuse;
        on[State::Deleted.index()] = Step::Keep;
        let effect = entering(State::Deleted, Effect::default(), caller.actor())?;
        let steps = (on, vec![effect]);
        self.change_all(project, keys, &Holder::Anyone, &steps, Some(State::Deleted)).await
    }

    async fn refuse_running(&self, keys: &[JobKey]) -> Result<()> {
        for chunk in keys.chunks(MAX_BATCH) {
            for job in self.store.get(chunk, &FieldSelection::Row).await?.into_iter().flatten() {
                if job.state == State::Running {
                    return Err(wrong_state(job.key, State::Running, Some(State::Deleted)));
                }
            }
        }
        Ok(())
    }

    /// Removes a deleted job for good. No error when there is no such job.
    pub async fn purge_job(&self, caller: &Caller, key: JobKey) -> Result<()> {
        caller.may(Role::User, key.project)?;
        match self.store.purge(key).await? {
            Purged::Done | Purged::Missing => Ok(()),
            Purged::Refused(state) => {
                Err(Error::WrongState(format!("job {key} is {}: delete it first", state.as_str())))
            }
        }
    }
}

#[cfg(test)]
mod tests;
