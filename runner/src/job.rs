//! One job of this runner, from its start to the acknowledgement of its end.

use std::{io, sync::Arc};

use spiderq_core::model::JobKey;
use spiderq_proto::v1::{Job, StartJobResponse};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::{
    child::Child,
    client::HeldJob,
    close_reason::StopReason,
    context::Context,
    counters::Counters,
    find_program::can_run,
    finish::{JobEnd, finish, give_back, send_rest},
    heartbeat::{Heartbeat, Instruction},
    output_sender::Sent,
    prepare::Prepared,
    printed,
    process::{Ended, JobProcess, Limits},
    quick_failures::{Fault, MAX_IN_A_ROW, QUICK, Sign},
    settings::Work,
    terminal::{self, Row},
};

/// A job that the server has started for this runner.
#[derive(Debug)]
pub(crate) struct StartedJob {
    pub(crate) held: HeldJob,
    /// Lets the job's program call the server, for this attempt of this job only.
    pub(crate) token: String,
    pub(crate) job: Job,
    pub(crate) counters: Arc<Counters>,
}

impl StartedJob {
    /// `None`: no job was pending. Fails unless the job is one of `project`: its key becomes a
    /// path, and its project may decide which user it runs as.
    pub(crate) fn from_response(
        response: StartJobResponse,
        project: i64,
    ) -> Result<Option<Self>, String> {
        let Some(mut job) = response.job else {
            return Ok(None);
        };
        let is_asked_for = |key: &JobKey| {
            job.project == project && u64::try_from(project) == Ok(key.project.get())
        };
        let Some(key) = JobKey::parse(&job.key).ok().filter(is_asked_for) else {
            return Err(format!("the server answered with {:?}, which is no job of it", job.key));
        };
        job.key = key.to_string();
        Ok(Some(Self {
            held: HeldJob { project, key: job.key.clone(), fence: response.fence },
            token: response.token,
            job,
            counters: Arc::default(),
        }))
    }

    pub(crate) fn key(&self) -> &str {
        &self.held.key
    }
}

impl Context {
    /// Runs a job to its end. `first_unit` is one of the units that the job takes; `ready` is
    /// notified once it has them all.
    pub(crate) async fn run_job(
        mut self,
        mut started: StartedJob,
        first_unit: OwnedSemaphorePermit,
        ready: oneshot::Sender<()>,
    ) {
        let (client, held) = (self.client.clone(), started.held.clone());
        let counters = Arc::clone(&started.counters);
        let mut heartbeat = Heartbeat::start(client, held, self.settings.lease, counters);
        let units = match self.acquire_units(&started.job, first_unit, &mut heartbeat).await {
            Acquired::All(units) => units,
            Acquired::Cancelled => {
                let end = JobEnd::without_process("cancelled", &started.counters);
                return self.end(&started, &end).await;
            }
            Acquired::GivenBack => return self.give_back(&started).await,
            Acquired::Abandoned => return,
        };
        // An error means that nobody waits for it.
        let _ = ready.send(());
        tracing::info!(job = started.key(), spider = started.job.spider_name, "started");
        let _load = self.load.add(self.units_of(&started.job));
        let outcome = self.run_program(&mut started, &mut heartbeat).await;
        // Heartbeats keep the lease meanwhile.
        let mut units = Some(units);
        let outcome = self.judge(outcome, &mut units).await;
        drop(heartbeat);
        self.conclude(&started, outcome).await;
        drop(units);
    }

    /// Waits until there are enough units. Heartbeats keep the lease meanwhile.
    async fn acquire_units(
        &mut self,
        job: &Job,
        mut units: OwnedSemaphorePermit,
        heartbeat: &mut Heartbeat,
    ) -> Acquired {
        let missing = self.units_of(job) - 1;
        let missing = Arc::clone(&self.units).acquire_many_owned(missing);
        tokio::pin!(missing);
        tokio::select! {
            biased;
            acquired = &mut missing => match acquired {
                Ok(acquired) => {
                    units.merge(acquired);
                    Acquired::All(units)
                }
                Err(_) => Acquired::Abandoned,
            },
            instruction = heartbeat.instruction() => match instruction {
                Instruction::Stop => Acquired::Cancelled,
                Instruction::Abandon => Acquired::Abandoned,
            },
            // The program never ran: another runner may run it.
            () = self.shutdown.draining() => Acquired::GivenBack,
        }
    }

    /// How many of this runner's units the job takes: all of them if it has more.
    fn units_of(&self, job: &Job) -> u32 {
        u32::try_from(job.units).unwrap_or(1).clamp(1, self.settings.units)
    }

    async fn run_program(
        &mut self,
        started: &mut StartedJob,
        heartbeat: &mut Heartbeat,
    ) -> JobOutcome {
        let prepared = match self.prepare(started).await {
            Ok(Some(prepared)) => prepared,
            Ok(None) => return JobOutcome::LeaseLost,
            Err(error) if is_fault_of_job(&error) => return JobOutcome::CannotStart(error),
            Err(error) => return JobOutcome::RunnerFailed(error.into()),
        };
        let Prepared { mut sink, mut sender, folder, fifo, spec, unsent_fields } = prepared;
        let (child, output) = match Child::start(&spec, folder.path(), &folder.work()).await {
            Ok(started) => started,
            Err(error) if is_fault_of_job(&error) => return JobOutcome::CannotStart(error),
            Err(error) => return JobOutcome::RunnerFailed(error.into()),
        };
        let counters = Arc::clone(&started.counters);
        let units = self.units_of(&started.job) as usize;
        let row = Row::show(started.key(), &started.job.spider_name, units, counters);
        let printed = printed::read_lines(output);
        let process = JobProcess::new(child, fifo, printed, self.limits(), row);
        let ended = process.run_to_end(&mut sink, heartbeat, &mut self.shutdown, &mut sender).await;
        let Some(Ended { exit, mut close_reason, requeued, write_failed, sign }) = ended else {
            return JobOutcome::LeaseLost;
        };
        let write_failed = write_failed || sink.flush().is_err();
        match send_rest(self, sender, heartbeat).await {
            Some(Sent::TooLarge) => {
                StopReason::OutputLimit.close_reason().clone_into(&mut close_reason)
            }
            Some(Sent::All | Sent::Refused(_)) => {}
            None => return JobOutcome::LeaseLost,
        }
        if requeued && !write_failed {
            return JobOutcome::Requeued;
        }
        let is_gone = sign == Sign::NotRun && spec.program().is_some_and(|path| !can_run(path));
        let (stats, counters, tail) = (sink.stats(), sink.counters(), sink.tail());
        let end = JobEnd { exit: Some(exit), close_reason, unsent_fields, stats, counters, tail };
        if is_gone {
            return JobOutcome::RunnerFailed(gone(&end));
        }
        JobOutcome::Ended { end, write_failed, sign }
    }

    /// Decides whether a job that has failed at once did so by the fault of this runner. Other jobs
    /// that may tell get its `units` meanwhile.
    async fn judge(
        &mut self,
        outcome: JobOutcome,
        units: &mut Option<OwnedSemaphorePermit>,
    ) -> JobOutcome {
        let JobOutcome::Ended { end, write_failed, sign } = outcome else {
            return outcome;
        };
        // A program of --command need not say anything: once one has worked, the others' failures
        // are their own.
        let may_be_silent = matches!(self.settings.work, Work::Command { .. });
        let fault = match sign {
            Sign::Works => {
                self.quick_failures.works();
                Fault::Job
            }
            Sign::Nothing => Fault::Job,
            Sign::QuickFailure if may_be_silent && self.quick_failures.has_worked() => Fault::Job,
            Sign::QuickFailure | Sign::NotRun => {
                *units = None;
                self.units_freed.notify_one();
                tokio::select! {
                    fault = self.quick_failures.judge() => fault,
                    // No more jobs are taken that could tell.
                    () = self.shutdown.draining() => Fault::Job,
                }
            }
        };
        match fault {
            Fault::Job => JobOutcome::Ended { end, write_failed, sign },
            Fault::Runner => JobOutcome::RunnerFailed(in_a_row(&end)),
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            runtime: self.settings.runtime_limit,
            stall: self.settings.stall_limit,
            cancel_grace: self.settings.cancel_grace,
            on_drain: self.settings.on_drain,
        }
    }

    async fn conclude(&self, started: &StartedJob, outcome: JobOutcome) {
        let job = started.key();
        match outcome {
            JobOutcome::Ended { end, write_failed, sign: _ } => {
                self.end(started, &end).await;
                if write_failed {
                    self.runner_fault.report("logs or items can't be written".to_owned());
                }
            }
            JobOutcome::Requeued => self.give_back(started).await,
            JobOutcome::LeaseLost => {
                tracing::warn!(job, "lease lost; process killed, nothing more is written");
            }
            JobOutcome::CannotStart(error) => {
                tracing::warn!(job, %error, "program can't be started");
                let end = JobEnd::without_process("failed", &started.counters);
                self.end(started, &end).await;
            }
            JobOutcome::RunnerFailed(RunnerFailure { why, tail }) => {
                let (spider, output) = (&started.job.spider_name, tail.as_str());
                tracing::error!(
                    job,
                    spider,
                    reason = why,
                    output,
                    "not run; its lease will expire"
                );
                self.runner_fault.report(why);
            }
        }
    }

    /// Puts the job back into the queue, for another runner.
    async fn give_back(&self, started: &StartedJob) {
        let (job, spider) = (started.key(), &started.job.spider_name);
        match give_back(self, &started.held).await {
            true => tracing::info!(job, spider, "given back to the queue"),
            false => tracing::warn!(job, spider, "not given back; its lease will expire"),
        }
    }

    /// Finishes the job on the server, then logs its end.
    async fn end(&self, started: &StartedJob, end: &JobEnd) {
        if !finish(self, &started.held, end).await {
            return;
        }
        let (job, reason, counters) = (started.key(), &end.close_reason, end.counters);
        let (items, pages, errors) = (counters.items(), counters.pages(), counters.errors());
        let (spider, failed) = (&started.job.spider_name, reason == "failed");
        terminal::count_end(failed);
        if failed {
            let exit = end.exit.map(|exit| exit.to_string()).unwrap_or_default();
            let output = end.tail.as_str();
            tracing::warn!(job, spider, reason, exit, items, pages, errors, output, "ended");
        } else {
            tracing::info!(job, spider, reason, items, pages, errors, "ended");
        }
    }
}

/// Whether a program can't be started because of the job's own arguments, which are too long, hold
/// a NUL or would become options: no other runner could start it either.
fn is_fault_of_job(error: &io::Error) -> bool {
    let too_big = rustix::io::Errno::TOOBIG.raw_os_error();
    error.raw_os_error() == Some(too_big) || error.kind() == io::ErrorKind::InvalidInput
}

/// The program that the startup found is not there any more.
fn gone(end: &JobEnd) -> RunnerFailure {
    let why = "the program of jobs is not there any more".to_owned();
    RunnerFailure { why, tail: end.tail.clone() }
}

fn in_a_row(end: &JobEnd) -> RunnerFailure {
    let last = end.tail.lines().last().unwrap_or("nothing");
    let exit = end.exit.map(|exit| exit.to_string()).unwrap_or_default();
    let why = format!(
        "{MAX_IN_A_ROW} jobs in a row ended without a word within {QUICK:?} or could not be run; \
         the last one ended with {exit} and said: {last}"
    );
    RunnerFailure { why, tail: end.tail.clone() }
}

enum Acquired {
    All(OwnedSemaphorePermit),
    Cancelled,
    /// The runner ends before the job has begun.
    GivenBack,
    Abandoned,
}

enum JobOutcome {
    Ended {
        end: JobEnd,
        /// This runner can't write files and must take no more jobs.
        write_failed: bool,
        sign: Sign,
    },
    /// It was stopped since the runner ends: it goes back to the queue.
    Requeued,
    LeaseLost,
    /// No runner could start the program.
    CannotStart(io::Error),
    /// This runner can't run the job; another may.
    RunnerFailed(RunnerFailure),
}

struct RunnerFailure {
    why: String,
    /// What the job's program said last.
    tail: String,
}

impl From<io::Error> for RunnerFailure {
    fn from(error: io::Error) -> Self {
        Self { why: error.to_string(), tail: String::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(key: &str, project: i64) -> Result<Option<StartedJob>, String> {
        let job = Job { key: key.to_owned(), project, ..Job::default() };
        StartedJob::from_response(StartJobResponse { job: Some(job), ..Default::default() }, 1)
    }

    #[test]
    fn a_key_that_is_no_job_of_the_project_never_becomes_a_path() {
        let started = answered("1/2/3", 1).unwrap().unwrap();
        assert_eq!((started.key(), started.job.key.as_str()), ("1/2/3", "1/2/3"));
        let none = StartedJob::from_response(StartJobResponse::default(), 1).unwrap();
        assert!(none.is_none());
        let bad = ["../../x", "/etc/x", "1/2/../3", "1/2/3/../../../../x", "", "1/2", "2/2/3"];
        for key in bad {
            let why = answered(key, 1).unwrap_err();
            assert_eq!(why, format!("the server answered with {key:?}, which is no job of it"));
        }
        assert!(answered("1/2/3", 2).is_err());
    }
}
