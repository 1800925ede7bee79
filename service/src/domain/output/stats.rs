//! A job's outputs in numbers.

use super::{super::Domain, attempt_of};
use crate::auth::Caller;
use spiderq_core::{error::Result, model::JobKey};
use spiderq_output::{OutputKind, Summary};

/// The outputs of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptOutput {
    /// The attempt.
    pub attempt: u32,
    /// Those that have lines, in numbers.
    pub outputs: Vec<(OutputKind, Summary)>,
}

impl Domain {
    /// Counts the outputs of an attempt; `None`: of the last one.
    pub async fn output_stats(
        &self,
        caller: &Caller,
        key: JobKey,
        attempt: Option<u32>,
    ) -> Result<AttemptOutput> {
        caller.may_read(key)?;
        let output = self.output()?;
        let attempt = attempt_of(&self.job_with_output(key).await?, attempt)?;
        let outputs = output.outputs.summaries(key, attempt).await?;
        Ok(AttemptOutput { attempt, outputs })
    }
}
