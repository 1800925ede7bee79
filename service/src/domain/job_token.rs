//! The token of a running job, for those who may run jobs (`docs/contract.md`, 5, auth).

use super::{
    Domain,
    change_outcome::{no_job, not_held},
};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    model::{FieldSelection, JobKey, Role, State},
    store::Holder,
};

impl Domain {
    /// The token of the job's present attempt. A worker's API key gets the tokens of jobs that it
    /// runs only: a token may write to its job, which the API key may not do to others' jobs.
    pub async fn get_job_token(&self, caller: &Caller, key: JobKey) -> Result<String> {
        caller.may(Role::Worker, key.project)?;
        let holder = caller.may_write(key, None)?;
        let job = self.job_of(key, &FieldSelection::Row).await?.ok_or_else(|| no_job(key))?;
        if job.state != State::Running {
            let state = job.state;
            let message =
                format!("job {key} is {}: only a running job has a token", state.as_str());
            return Err(Error::WrongState { message, job: key, state });
        }
        let started_by = job.entry(State::Running).map(|entry| &entry.actor);
        if let Holder::StartedBy(actor) = holder
            && started_by != Some(&actor)
        {
            return Err(not_held(key));
        }
        Ok(self.sign_job_token(key, job.attempt))
    }
}

#[cfg(test)]
mod tests;
