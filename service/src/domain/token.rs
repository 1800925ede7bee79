//! The token of a running job, for those who may run jobs (CONTRACT 5, auth).

use super::Domain;
use crate::{
    auth::Caller,
    error::{Error, Result},
    model::{JobKey, State},
    store::{Fields, Role},
};

impl Domain {
    /// The token of the job's present attempt.
    pub async fn job_token(&self, caller: &Caller, key: JobKey) -> Result<String> {
        caller.may(Role::Worker, key.project)?;
        let found = self.store.get(&[key], &Fields::Row).await?;
        let job = found.into_iter().flatten().next();
        let job = job.ok_or_else(|| Error::NotFound(format!("there is no job {key}")))?;
        if job.state != State::Running {
            return Err(Error::WrongState(format!(
                "job {key} is {}: only a running job has a token",
                job.state.as_str()
            )));
        }
        Ok(self.token(key, job.attempt))
    }
}
