//! Output of jobs: who may append to it and read it, until when, and how much of it there may be.
//! The lines themselves are in the crate `spiderq-output`.

mod append;
mod notifier;
mod read;
mod room;
mod stats;
mod sweep;

use std::sync::Arc;

pub use self::{
    append::AppendLines,
    read::{OutputReading, ReadLines},
    stats::AttemptOutput,
    sweep::Sweeper,
};
use self::{notifier::Notifier, room::Rooms};
use super::{Domain, change_outcome::no_job};
use spiderq_core::{
    error::{Error, Result},
    model::{FieldSelection, Job, JobKey},
    store::Store,
};
use spiderq_output::OutputId;
pub use spiderq_output::{Batch, LineFilter, OutputKind, Outputs, Summary};

/// What the domain needs to keep output.
#[derive(Clone, Debug)]
pub(super) struct JobOutput {
    pub(super) outputs: Outputs,
    notifier: Arc<Notifier>,
    rooms: Arc<Rooms>,
    /// Which store the output is of.
    owner: Arc<str>,
}

impl JobOutput {
    fn new(outputs: Outputs, store: Arc<dyn Store>, owner: &str) -> Self {
        let notifier = Arc::new(Notifier::new(store));
        Self { outputs, notifier, rooms: Arc::default(), owner: owner.into() }
    }

    /// An error where the place belongs to the jobs of another store: two stores give the same keys
    /// to their jobs. A place that belongs to nobody is taken.
    async fn check_owner(&self) -> Result<()> {
        if self.outputs.backend().owner(&self.owner).await? == *self.owner {
            return Ok(());
        }
        let message = "has output of another store's jobs: \
                       remove it if that store is gone, or name another place";
        Err(Error::invalid("output", message))
    }
}

impl Domain {
    /// The same with output of jobs, which is kept in `outputs`. `owner` stands for the store.
    #[must_use]
    pub fn with_output(mut self, outputs: Outputs, owner: &str) -> Self {
        self.output = Some(JobOutput::new(outputs, Arc::clone(&self.store), owner));
        self
    }

    /// An error where output would be kept at a place that belongs to another store.
    pub async fn check_output_owner(&self) -> Result<()> {
        match &self.output {
            Some(output) => output.check_owner().await,
            None => Ok(()),
        }
    }

    /// Removes the output of a job that is gone. If it fails, upkeep does it later.
    pub(super) async fn remove_output(&self, key: JobKey) {
        let Some(output) = &self.output else { return };
        if let Err(error) = output.outputs.remove(key).await {
            tracing::warn!(%key, %error, cause = error.cause(), "output not removed yet");
        }
    }

    /// Compresses the output of jobs that have ended, without waiting for it: that which this
    /// process has appended lately. Upkeep compresses the other.
    pub(super) fn jobs_have_ended(&self, keys: &[JobKey]) {
        let Some(output) = &self.output else { return };
        let ended: Vec<OutputId> = output.outputs.known_of(keys);
        if ended.is_empty() {
            return;
        }
        let outputs = output.outputs.clone();
        tokio::spawn(async move {
            for id in ended {
                if let Err(error) = outputs.end_one(&id).await {
                    tracing::debug!(output = %id, %error, "output not compressed yet");
                }
            }
        });
    }

    /// [`Error::OutputDisabled`] where no output is kept.
    fn output(&self) -> Result<&JobOutput> {
        self.output.as_ref().ok_or(Error::OutputDisabled)
    }

    async fn job_with_output(&self, key: JobKey) -> Result<Job> {
        self.job_of(key, &FieldSelection::Row).await?.ok_or_else(|| no_job(key))
    }
}

/// The attempt to read: that which the caller names, or the last one.
fn attempt_of(job: &Job, named: Option<u32>) -> Result<u32> {
    let last = job.attempt;
    match named {
        Some(attempt) if attempt > last => {
            Err(Error::invalid("attempt", format!("must be at most {last}, the job's last one")))
        }
        Some(attempt) => Ok(attempt),
        None => Ok(last),
    }
}

#[cfg(test)]
mod tests;
