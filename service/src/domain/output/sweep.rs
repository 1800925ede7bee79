//! Upkeep of output, job after job in small steps: output goes with its job, and earlier if the
//! project's settings `keep_output_days` and `keep_output_bytes` say so. What a crash has left
//! uncompressed is compressed. Any number of processes may do this: each step may be done twice.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    sync::Arc,
    time::Duration,
};

use super::{super::Domain, super::settings, JobOutput};
use spiderq_core::{
    error::Result,
    limits::{MAX_BATCH, OUTPUT_GRACE_MS},
    model::{FieldSelection, Job, JobId, JobKey, Millis, Position, ProjectId, SpiderId, State},
};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
/// After so long each finished job was seen by a pass; ms: as long as two passes, and more.
const COMPRESSED_AFTER_MS: u64 = 4 * 60 * 60 * 1_000;
/// Jobs with output of one round.
const ROUND_JOBS: usize = 2_000;
/// Pause before the next round, if there are more jobs.
const SHORT_PAUSE: Duration = Duration::from_secs(5);

/// Looks after output, round by round.
#[derive(Debug)]
pub struct Sweeper {
    domain: Arc<Domain>,
    /// Projects that are left in this pass; `None`: the next pass begins.
    projects: Option<VecDeque<u64>>,
    project: Option<ProjectSweep>,
}

/// A project in hand.
#[derive(Debug)]
struct ProjectSweep {
    id: ProjectId,
    spiders: VecDeque<u64>,
    spider: Option<(SpiderId, VecDeque<u64>)>,
    keep: Keep,
    removed: usize,
}

/// What the project's settings keep.
#[derive(Debug, Default)]
struct Keep {
    /// Output of jobs that ended before this goes.
    from: Option<Position>,
    /// Output of all finished jobs in bytes, as it is kept.
    bytes: Option<u64>,
    /// The latest finished jobs so far, the oldest on top, with the bytes of each.
    latest: BinaryHeap<(Reverse<Position>, JobKey, u64)>,
    /// Bytes of those together.
    sum: u64,
}

impl Sweeper {
    /// Pause after a pass over all jobs with output.
    pub const PAUSE: Duration = Duration::from_secs(60 * 60);

    /// Looks after the output of this domain.
    #[must_use]
    pub fn new(domain: Arc<Domain>) -> Self {
        Self { domain, projects: None, project: None }
    }

    /// Handles the next jobs; how long to pause then.
    pub async fn round(&mut self) -> Result<Duration> {
        let domain = Arc::clone(&self.domain);
        let Some(output) = &domain.output else { return Ok(Self::PAUSE) };
        if self.projects.is_none() {
            // Never remove what another store's jobs have put out.
            output.check_owner().await?;
            self.projects = Some(output.outputs.backend().numbers(&[]).await?.into());
        }
        for _ in 0..ROUND_JOBS / MAX_BATCH {
            let Some(keys) = self.next_keys(output).await? else {
                self.projects = None;
                return Ok(Self::PAUSE);
            };
            if let Some(project) = &mut self.project {
                project.handle(&domain, output, &keys).await?;
            }
        }
        Ok(SHORT_PAUSE)
    }

    /// The next jobs with output, all of one project; `None` at the end.
    async fn next_keys(&mut self, output: &JobOutput) -> Result<Option<Vec<JobKey>>> {
        loop {
            if let Some(project) = &mut self.project {
                if let Some(keys) = project.next_keys(output).await? {
                    return Ok(Some(keys));
                }
                project.log();
                self.project = None;
            }
            let next = self.projects.as_mut().and_then(VecDeque::pop_front);
            let Some(number) = next else { return Ok(None) };
            if let Some(id) = id(number, ProjectId::new) {
                self.project = Some(ProjectSweep::begin(&self.domain, output, id).await?);
            }
        }
    }
}

/// Folders that are named by other numbers are none of ours.
fn id<T>(number: u64, new: impl Fn(i64) -> Result<T>) -> Option<T> {
    i64::try_from(number).ok().and_then(|number| new(number).ok())
}

impl ProjectSweep {
    async fn begin(domain: &Domain, output: &JobOutput, id: ProjectId) -> Result<Self> {
        let names = [settings::KEEP_OUTPUT_DAYS, settings::KEEP_OUTPUT_BYTES];
        let found = domain.store.named_settings(id, &names).await?;
        let days = settings::number(&found, settings::KEEP_OUTPUT_DAYS);
        let from = days.map(|days| {
            let age = days.saturating_mul(DAY_MS);
            Position::at(Millis(domain.now().0.saturating_sub(age)))
        });
        let bytes = settings::number(&found, settings::KEEP_OUTPUT_BYTES);
        let spiders = output.outputs.backend().numbers(&[id.get()]).await?.into();
        let keep = Keep { from, bytes, ..Keep::default() };
        Ok(Self { id, spiders, spider: None, keep, removed: 0 })
    }

    async fn next_keys(&mut self, output: &JobOutput) -> Result<Option<Vec<JobKey>>> {
        loop {
            if let Some((spider, jobs)) = &mut self.spider
                && !jobs.is_empty()
            {
                let (project, spider) = (self.id, *spider);
                let next = jobs.drain(..jobs.len().min(MAX_BATCH));
                let keys = next.filter_map(|number| id(number, JobId::new));
                return Ok(Some(keys.map(|job| JobKey { project, spider, job }).collect()));
            }
            let Some(number) = self.spiders.pop_front() else { return Ok(None) };
            if let Some(spider) = id(number, SpiderId::new) {
                let jobs = output.outputs.backend().numbers(&[self.id.get(), number]).await?;
                self.spider = Some((spider, jobs.into()));
            }
        }
    }

    async fn handle(&mut self, domain: &Domain, output: &JobOutput, keys: &[JobKey]) -> Result<()> {
        let jobs = domain.store.get(keys, &FieldSelection::Row).await?;
        for (key, job) in keys.iter().zip(jobs) {
            let Some(job) = job else {
                self.remove(output, *key).await?;
                continue;
            };
            if !matches!(job.state, State::Finished | State::Deleted) {
                continue;
            }
            let ended = ended(&job);
            if self.keep.from.is_some_and(|from| ended < from) {
                self.remove(output, *key).await?;
                continue;
            }
            compress(domain, output, &job).await?;
            if let Some(most) = self.keep.bytes {
                let bytes = bytes_of(output, *key).await?;
                self.keep.sum += bytes;
                self.keep.latest.push((Reverse(ended), *key, bytes));
                while self.keep.sum > most
                    && let Some((_, oldest, bytes)) = self.keep.latest.pop()
                {
                    self.keep.sum -= bytes;
                    self.remove(output, oldest).await?;
                }
            }
        }
        Ok(())
    }

    async fn remove(&mut self, output: &JobOutput, key: JobKey) -> Result<()> {
        output.outputs.remove(key).await?;
        self.removed += 1;
        Ok(())
    }

    fn log(&self) {
        if self.removed > 0 {
            tracing::info!(project = %self.id, jobs = self.removed, "output of jobs removed");
        }
    }
}

/// The position of its end; of a job that was deleted before one, that of its deletion.
fn ended(job: &Job) -> Position {
    job.entry(State::Finished).map_or(job.position, |entry| entry.position)
}

/// Bytes of all output of a job, as it is kept.
async fn bytes_of(output: &JobOutput, key: JobKey) -> Result<u64> {
    let objects = output.outputs.objects(key).await?;
    Ok(objects.iter().map(|(_, bytes)| bytes).sum())
}

/// Compresses what is left of a job that ended lately; others were seen by a pass before.
async fn compress(domain: &Domain, output: &JobOutput, job: &Job) -> Result<()> {
    let since = domain.now().0.saturating_sub(ended(job).ts().0);
    if !(OUTPUT_GRACE_MS..=COMPRESSED_AFTER_MS).contains(&since) {
        return Ok(());
    }
    output.outputs.end_all(job.key).await
}
