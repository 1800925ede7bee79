//! Appending to a job's output: who may, and until when.

use bytes::Bytes;

use super::super::{
    Domain,
    change_outcome::{not_held, refusal, wrong_state},
};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    limits::OUTPUT_GRACE_MS,
    model::{Fence, Job, JobKey, State},
    store::{Change, Changed, Holder, Step},
};
use spiderq_output::{Append, OutputId, OutputKind};

/// Lines to append.
#[derive(Clone, Debug)]
pub struct AppendLines {
    /// To the output of which job.
    pub key: JobKey,
    /// To which of its outputs.
    pub kind: OutputKind,
    /// The secret of the attempt that must hold the job.
    pub fence: Option<Fence>,
    /// The offset of the first line.
    pub start: u64,
    /// The lines; none: only the end of the output is asked for.
    pub lines: Vec<Bytes>,
}

impl Domain {
    /// Appends lines to an output of a job's last attempt; the offset of the next line. Nothing is
    /// appended where the caller does not hold the job.
    pub async fn append_output(&self, caller: &Caller, append: AppendLines) -> Result<u64> {
        let output = self.output()?;
        let AppendLines { key, kind, fence, start, lines } = append;
        let holder = caller.may_write(key, fence.clone())?;
        self.end_outage_if_known().await;
        // Whoever has a fence got it after its attempt began: the job is not of an earlier one.
        let job = self.job_with_output(key).await?;
        match job.state {
            State::Running => self.check_holder(key, holder).await?,
            State::Finished => self.check_late(&job, holder).await?,
            State::Pending | State::Deleted => return Err(wrong_state(key, job.state, None)),
        }
        let id = OutputId { key, attempt: job.attempt, kind };
        if lines.is_empty() {
            return output.outputs.summary(&id).await.map(|sum| sum.lines);
        }
        let max_bytes = output.rooms.max_bytes(self, &output.outputs, &id).await?;
        let append = Append { id, start, lines, holder: fence, max_bytes };
        let done = output.outputs.append(append).await?;
        output.rooms.note(&id, done.bytes);
        output.notifier.appended(key.project);
        Ok(done.next)
    }

    /// An error unless the caller holds the running job.
    async fn check_holder(&self, key: JobKey, holder: Holder) -> Result<()> {
        let mut on = [Step::Refuse; 4];
        on[State::Running.index()] = Step::Keep;
        let change = Change { key, holder, unchanged_since: None, on, effects: Vec::new() };
        let changed: Changed = self.change_one(change, self.now()).await?;
        refusal(key, changed, None).map_or(Ok(()), Err)
    }

    /// An error unless the finished job takes late lines, and the caller was the one who held it.
    /// The store has no fence of a job that has ended, but its output has.
    async fn check_late(&self, job: &Job, holder: Holder) -> Result<()> {
        let key = job.key;
        let ended = job.position.ts();
        if self.now().0.saturating_sub(ended.0) > OUTPUT_GRACE_MS {
            return Err(wrong_state(key, job.state, None));
        }
        match holder {
            Holder::Anyone => Ok(()),
            Holder::StartedBy(actor) => {
                let started = job.entry(State::Running).is_some_and(|entry| entry.actor == actor);
                if started { Ok(()) } else { Err(not_held(key)) }
            }
            Holder::Fence(fence) => {
                let outputs = &self.output()?.outputs;
                let known = outputs.was_appended_by(key, job.attempt, &fence).await?;
                if known { Ok(()) } else { Err(Error::Stale(key)) }
            }
            Holder::Attempt(attempt) if attempt == job.attempt => Ok(()),
            Holder::Attempt(_) | Holder::Expired(_) | Holder::Overdue(_) => Err(Error::Stale(key)),
        }
    }
}
