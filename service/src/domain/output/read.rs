//! Reading a job's output, to its end or as long as the job runs.

use std::sync::Arc;

use tokio::select;

use super::{
    super::{
        Domain, Shutdown,
        subscription::{Subscription, Turns},
    },
    attempt_of,
};
use crate::auth::Caller;
use spiderq_core::{
    Reservation,
    error::Result,
    limits::MAX_OUTPUT_PAGE_BYTES,
    model::{FieldSelection, Job, JobKey, State},
    store::Store,
};
use spiderq_output::{Batch, LineFilter, OutputId, OutputKind, Outputs, Reader, Wake};

/// What a reading holds in memory while it reads: a segment, what it was compressed from, and the
/// lines of a response. Segments have about as many bytes as a response.
const READING_MEMORY: usize = 3 * MAX_OUTPUT_PAGE_BYTES;

/// Which lines to read.
#[derive(Clone, Debug)]
pub struct ReadLines {
    /// Of which job.
    pub key: JobKey,
    /// Of which of its outputs.
    pub kind: OutputKind,
    /// Of which attempt; `None`: the last one.
    pub attempt: Option<u32>,
    /// From this offset on.
    pub start: u64,
    /// The last so many lines; `None`: all.
    pub tail: Option<u64>,
    /// At most so many lines; `None`: all.
    pub limit: Option<u64>,
    /// Conditions of the lines.
    pub filter: LineFilter,
    /// Whether to wait for more while the job runs.
    pub follow: bool,
}

/// A reading that is under way.
#[derive(Debug)]
pub struct OutputReading {
    reader: Reader,
    memory: Reservation,
    /// `None`: it ends with what is there.
    follower: Option<Follower>,
    shutdown: Shutdown,
}

/// Waits for more.
#[derive(Debug)]
struct Follower {
    store: Arc<dyn Store>,
    turns: Arc<Turns>,
    /// Appends by this process.
    wake: Wake,
    /// Appends by others.
    output: Subscription,
    /// Changes of the job.
    jobs: Subscription,
    /// Whether the job may have changed since it was looked at.
    is_changed: bool,
    /// Whether the attempt was over when it was looked at last: then nothing more comes.
    is_over: bool,
    /// Begins with the job's next attempt if nothing has come: it had not begun.
    may_begin: bool,
}

impl Domain {
    /// Begins to read an output.
    pub async fn read_output(&self, caller: &Caller, read: ReadLines) -> Result<OutputReading> {
        caller.may_read(read.key)?;
        let outputs = &self.output()?.outputs;
        let job = self.job_with_output(read.key).await?;
        let attempt = attempt_of(&job, read.attempt)?;
        let id = OutputId { key: read.key, attempt, kind: read.kind };
        let mut memory = self.memory_of(caller);
        memory.grow_in_time(READING_MEMORY).await?;
        let follower = match read.follow {
            true => Some(self.follower(outputs, &read, &job).await?),
            false => None,
        };
        let mut reader = outputs.read(id, read.start, read.filter);
        if let Some(lines) = read.tail {
            reader.skip_to_last(lines).await?;
        }
        if let Some(lines) = read.limit {
            reader = reader.limit(lines);
        }
        Ok(OutputReading { reader, memory, follower, shutdown: self.shutdown.clone() })
    }

    async fn follower(&self, outputs: &Outputs, read: &ReadLines, job: &Job) -> Result<Follower> {
        let mut follower = Follower {
            store: Arc::clone(&self.store),
            turns: self.turns.of(read.key.project),
            wake: outputs.wake(read.key),
            output: Subscription::to_output(),
            jobs: Subscription::default(),
            is_changed: true,
            is_over: false,
            may_begin: read.attempt.is_none() && job.attempt == 0,
        };
        follower.subscribe(read.key).await?;
        follower.is_changed = true;
        Ok(follower)
    }
}

impl OutputReading {
    /// The attempt that is read.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.reader.id().attempt
    }

    /// The offset of the next line.
    #[must_use]
    pub const fn next_offset(&self) -> u64 {
        self.reader.next_offset()
    }

    /// Returns when the service shuts down.
    pub fn shutdown(&self) -> impl Future<Output = ()> + Send + use<> {
        let shutdown = self.shutdown.clone();
        async move { shutdown.begun().await }
    }

    /// More lines, or word of how far the reading has come; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Batch>> {
        loop {
            if self.reader.is_done() {
                return Ok(None);
            }
            self.memory.grow_in_time(READING_MEMORY).await?;
            let before = self.reader.next_offset();
            // Asked before the reading: what was appended before the end is read then.
            let is_over = match &mut self.follower {
                Some(follower) => follower.look(&mut self.reader).await?,
                None => true,
            };
            let batch = self.reader.batch().await?;
            let has_moved = batch.next != before;
            if !batch.at_end || has_moved {
                return Ok(Some(batch));
            }
            let Some(follower) = self.follower.as_mut().filter(|_| !is_over) else {
                return Ok(None);
            };
            self.memory.shrink_to(0);
            follower.wait().await;
        }
    }
}

impl Follower {
    /// Whether the attempt is over, and nothing more comes after what there is.
    async fn look(&mut self, reader: &mut Reader) -> Result<bool> {
        let id = *reader.id();
        self.subscribe(id.key).await?;
        if self.is_over || !self.is_changed {
            return Ok(self.is_over);
        }
        self.is_changed = false;
        let keys = [id.key];
        let read = self.store.get(&keys, &FieldSelection::Row);
        let found = self.turns.next().await?.look(read).await?;
        let job = found.into_iter().flatten().next();
        let Some(job) = job else {
            self.is_over = true;
            return Ok(true);
        };
        if self.may_begin && job.attempt > id.attempt {
            self.may_begin = false;
            reader.go_to_attempt(job.attempt);
        }
        let is_live = matches!(job.state, State::Pending | State::Running);
        self.is_over = !is_live || job.attempt != reader.id().attempt;
        Ok(self.is_over)
    }

    /// Before each look, so that no change after it is missed.
    async fn subscribe(&mut self, key: JobKey) -> Result<()> {
        self.is_changed |= self.jobs.ensure(self.store.as_ref(), key.project).await?;
        self.output.ensure(self.store.as_ref(), key.project).await?;
        Ok(())
    }

    async fn wait(&mut self) {
        select! {
            () = self.wake.woken() => {}
            () = self.output.notified() => {}
            () = self.jobs.notified() => self.is_changed = true,
        }
    }
}
