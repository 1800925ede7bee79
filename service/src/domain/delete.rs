//! Deleting and purging: hiding jobs, and removing hidden ones for good (`docs/contract.md`,
//! 3 and 5).

use super::{
    BulkDone, BulkQuery, Domain, bulk::BulkJobs, change_outcome::wrong_state, check_keys,
    transition::entering,
};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    limits::MAX_BATCH,
    model::{FieldSelection, JobKey, ProjectId, Role, State, StateSet},
    store::{Effect, Holder, Purged, Step},
};

impl Domain {
    /// Deletes the jobs that the call selects; counts those that are deleted already too. One that
    /// is named by its key and runs refuses the call; others that run are passed over.
    pub async fn delete_jobs(&self, caller: &Caller, query: BulkQuery) -> Result<BulkDone> {
        let project = query.jobs.project;
        caller.may(Role::User, project)?;
        if query.validate_only && !query.jobs.has_conditions {
            self.refuse_running(&query.jobs.keys).await?;
        }
        let idle = [State::Pending, State::Finished, State::Deleted].into_iter().collect();
        let mut list = match self.bulk_jobs(query, idle).await? {
            BulkJobs::Counted(count) => return Ok(BulkDone::all(count)),
            BulkJobs::Keys(keys, _) => {
                return self.delete_keys(caller, project, &keys).await.map(BulkDone::all);
            }
            BulkJobs::Found(list) => list,
        };
        let steps = steps(Step::Keep, caller)?;
        let (deleted, states) = (Some(State::Deleted), list.states);
        let (mut count, mut next) = (0, list.next().await?);
        while let Some(keys) = next {
            let change = self.change_all(project, &keys, &Holder::Anyone, &steps, deleted, states);
            let changed;
            (changed, next) = list.next_beside(change).await?;
            count += changed;
        }
        list.done(count).await
    }

    /// Deletes jobs; returns how many there are. One that is running refuses the call.
    ///
    /// Up to [`MAX_BATCH`] keys are deleted in one step or not at all. More are looked at first,
    /// so that a running one is seen before anything is done.
    pub(super) async fn delete_keys(
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
        let steps = steps(Step::Refuse, caller)?;
        let deleted = Some(State::Deleted);
        self.change_all(project, keys, &Holder::Anyone, &steps, deleted, StateSet::ALL).await
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

    /// Removes a deleted job for good; false when there is no such job.
    pub async fn purge_job(&self, caller: &Caller, key: JobKey) -> Result<bool> {
        caller.may(Role::User, key.project)?;
        match self.store.purge(key).await? {
            Purged::Done => {
                self.remove_output(key).await;
                Ok(true)
            }
            Purged::Missing => Ok(false),
            Purged::Refused(state) => {
                let first = if state == State::Running { "stop and delete" } else { "delete" };
                let message = format!("job {key} is {}: {first} it first", state.as_str());
                Err(Error::WrongState { message, job: key, state })
            }
        }
    }
}

/// Steps that delete a job, with this one for a job that runs.
fn steps(running: Step, caller: &Caller) -> Result<([Step; 4], Vec<Effect>)> {
    let mut on = [Step::Apply(0); 4];
    on[State::Running.index()] = running;
    on[State::Deleted.index()] = Step::Keep;
    let effect = entering(State::Deleted, Effect::default(), caller.actor())?;
    Ok((on, vec![effect]))
}

#[cfg(test)]
mod tests;
