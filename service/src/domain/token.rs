//! The token of a running job, for those who may run jobs (CONTRACT 5, auth).

use super::{Domain, batch::refusal};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    model::{FieldSelection, JobKey, Role, State},
    store::{Changed, Holder},
};

impl Domain {
    /// The token of the job's present attempt. A worker's key gets those of jobs that it
    /// runs: a token writes to its job, which the key itself may not do to others' jobs.
    pub async fn job_token(&self, caller: &Caller, key: JobKey) -> Result<String> {
        caller.may(Role::Worker, key.project)?;
        let holder = caller.may_write(key, None)?;
        let found = self.store.get(&[key], &FieldSelection::Row).await?;
        let job = found.into_iter().flatten().next();
        let job = job.ok_or_else(|| Error::NotFound(format!("there is no job {key}")))?;
        if job.state != State::Running {
            return Err(Error::WrongState(format!(
                "job {key} is {}: only a running job has a token",
                job.state.as_str()
            )));
        }
        let entry = job.entry(State::Running);
        match holder {
            Holder::StartedBy(actor) if entry.is_none_or(|entry| entry.actor != actor) => {
                refusal(key, Changed::NotHeld, None)
                    .map_or_else(|| Err(Error::bug("no refusal")), Err)
            }
            Holder::Anyone
            | Holder::StartedBy(_)
            | Holder::Fence(_)
            | Holder::Attempt(_)
            | Holder::Expired(_)
            | Holder::Overdue(_) => Ok(self.token(key, job.attempt)),
        }
    }
}
