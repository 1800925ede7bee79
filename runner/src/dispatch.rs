//! Decides when to ask for a job, of which project and of how many units, and runs the jobs that
//! come.

use std::{sync::Arc, time::Duration};

use spiderq_core::{Backoff, limits::MAX_UNITS};
use spiderq_proto::v1::StartJobRequest;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{
    client::{Client, RETRY_BACKOFF},
    context::Context,
    error::RunnerError,
    job::StartedJob,
    private_files::create_folder,
    registration::{Load, Registration},
    send_left::SendLeft,
    settings::Settings,
    shutdown::{Shutdown, Signals},
    startup_check,
    system::hide_from_jobs,
    terminal::{self, RunnerLine},
};

/// How long the server may wait for a job before it answers that there is none.
const START_WAIT: Duration = Duration::from_secs(30);
/// A server that is about to shut down answers a waiting call at once. An empty answer this soon
/// calls for a back-off.
const MIN_EMPTY_WAIT: Duration = Duration::from_secs(1);
/// How often a job of any size is taken from the head of the queue. In between only jobs that fit
/// the free units are.
const ANY_SIZE_INTERVAL: Duration = Duration::from_secs(60);

/// Runs jobs until a signal ends the runner, or with `once` until no job is pending or running.
///
/// # Errors
/// Jobs can't be run here, the server refuses the API key or a request, files can't be written, or
/// a third signal came while jobs ran.
pub async fn run(settings: Settings) -> Result<(), RunnerError> {
    let signals = Signals::catch()
        .map_err(|error| RunnerError::Failed(format!("can't listen for signals: {error}")))?;
    let client = Client::new(settings.endpoint.clone(), &settings.api_key)
        .map_err(|why| RunnerError::option("api-key", why))?;
    check_data_dir(&settings)?;
    hide_from_jobs();
    if settings.users.are_root() {
        tracing::warn!("jobs run as root; --user gives them another user");
    }
    let (phase, shutdown) = Shutdown::channel();
    let drain = settings.drain;
    tokio::select! {
        done = check_and_run(settings, client, shutdown) => done,
        () = signals.drive(phase, drain) => Err(RunnerError::Failed("killed jobs at the last signal".to_owned())),
        () = terminal::redraw_forever() => Ok(()),
    }
}

async fn check_and_run(
    mut settings: Settings,
    client: Client,
    mut shutdown: Shutdown,
) -> Result<(), RunnerError> {
    let mut left = SendLeft::start(&settings, client.clone());
    let spiders = tokio::select! {
        checked = startup_check::check(&mut settings) => checked?,
        () = shutdown.draining() => return Ok(()),
    };
    let load = Arc::default();
    let mut registration = Registration::new(&settings, client.clone(), Arc::clone(&load), spiders);
    let dispatch = Dispatch::new(settings, client, shutdown.clone(), load);
    let ended = tokio::select! {
        ended = dispatch.run() => ended,
        () = registration.keep(shutdown.clone()) => Ok(()),
    };
    if ended.is_ok() {
        tokio::select! {
            _ = left.join_next() => {}
            () = shutdown.draining() => {}
        }
    }
    registration.end().await;
    ended
}

/// A runner that can't store what its jobs say must not take any. Nor one that can't lock files.
fn check_data_dir(settings: &Settings) -> Result<(), RunnerError> {
    let folder = &settings.data_dir;
    let file = create_folder(folder).and_then(|()| tempfile::tempfile_in(folder));
    file.and_then(|file| file.lock()).map_err(|error| {
        RunnerError::option("data-dir", format!("can't write to {}: {error}", folder.display()))
    })
}

/// What a search for a job came to.
enum Next {
    Job(Box<StartedJob>),
    /// There was none for a while.
    NotYet,
    /// There is none, and none will come: the end of `once`.
    NoneLeft,
}

impl Next {
    fn job(started: StartedJob) -> Self {
        Self::Job(Box::new(started))
    }
}

struct Dispatch {
    context: Context,
    /// Index of the project that is asked first.
    next_project: usize,
    /// When a job of any size was last asked for.
    any_size_asked: Option<Instant>,
    /// Calls that were dropped before their response came, and when.
    abandoned: Vec<(Instant, StartJobRequest)>,
    backoff: Backoff,
    jobs: JoinSet<()>,
}

impl Dispatch {
    fn new(settings: Settings, client: Client, shutdown: Shutdown, load: Arc<Load>) -> Self {
        Self {
            next_project: 0,
            any_size_asked: None,
            abandoned: Vec::new(),
            backoff: RETRY_BACKOFF,
            jobs: JoinSet::new(),
            context: Context {
                units: Arc::new(Semaphore::new(settings.units as usize)),
                settings: Arc::new(settings),
                client,
                shutdown,
                units_freed: Arc::default(),
                runner_fault: Arc::default(),
                quick_failures: Arc::default(),
                load,
            },
        }
    }

    async fn run(mut self) -> Result<(), RunnerError> {
        let settings = Arc::clone(&self.context.settings);
        let (projects, units) = (&settings.projects, settings.units);
        let max_job_units = self.max_job_units();
        tracing::info!(server = settings.server, ?projects, units, max_job_units, "taking jobs");
        let _line = RunnerLine::show(units);
        let mut shutdown = self.context.shutdown.clone();
        let fault = Arc::clone(&self.context.runner_fault);
        let ended = tokio::select! {
            ended = self.take_jobs() => ended,
            () = shutdown.draining() => Ok(()),
            why = fault.found() => {
                Err(RunnerError::Failed(format!("jobs can't be run here: {why}")))
            }
        };
        if let Err(error) = &ended {
            tracing::error!(%error, "taking no more jobs");
        }
        while self.jobs.join_next().await.is_some() {}
        tracing::info!("stopped");
        ended
    }

    /// With `once`, returns when no job is pending and none runs here; else only with an error.
    async fn take_jobs(&mut self) -> Result<(), RunnerError> {
        loop {
            while self.jobs.try_join_next().is_some() {}
            let units = Arc::clone(&self.context.units);
            let Ok(unit) = units.acquire_owned().await else {
                return Ok(());
            };
            match self.next_job().await? {
                Next::Job(started) => self.run_job(*started, unit).await,
                Next::NoneLeft => return Ok(()),
                Next::NotYet => {}
            }
        }
    }

    /// Runs a job beside the others. Returns once the job has its units: no other job is taken
    /// before that.
    async fn run_job(&mut self, started: StartedJob, unit: OwnedSemaphorePermit) {
        let (sender, ready) = oneshot::channel();
        let context = self.context.clone();
        let units_freed = Arc::clone(&context.units_freed);
        self.jobs.spawn(async move {
            context.run_job(started, unit, sender).await;
            units_freed.notify_one();
        });
        // An error means that the job ended before it had its units.
        let _ = ready.await;
    }

    async fn next_job(&mut self) -> Result<Next, RunnerError> {
        if let Some(started) = self.repeat_abandoned().await {
            return Ok(Next::job(started));
        }
        let settings = Arc::clone(&self.context.settings);
        let max_units = self.max_units();
        // Several projects take turns while they have pending jobs; only then all are waited for.
        if (settings.projects.len() > 1 || settings.once)
            && let Some(started) = self.ask_in_turn(&settings.projects, max_units).await?
        {
            return Ok(Next::job(started));
        }
        if settings.once && self.is_last() {
            return Ok(Next::NoneLeft);
        }
        let found = self.wait_for_job(&settings.projects, max_units).await?;
        Ok(found.map_or(Next::NotYet, Next::job))
    }

    /// Whether no job of this runner runs, which could add others. With `once` and no pending job
    /// that is its end.
    fn is_last(&mut self) -> bool {
        while self.jobs.try_join_next().is_some() {}
        self.context.quick_failures.settle_last(self.jobs.len());
        self.jobs.is_empty()
    }

    /// The server may have started a job for a call at the moment that it was abandoned.
    async fn repeat_abandoned(&mut self) -> Option<StartedJob> {
        while let Some((since, request)) = self.abandoned.pop() {
            // Later the lease of such a job has expired anyway.
            if since.elapsed() < self.context.settings.lease
                && let Some(started) = self.context.repeat_start(request).await
            {
                return Some(started);
            }
        }
        None
    }

    async fn ask_in_turn(
        &mut self,
        projects: &[i64],
        max_units: u32,
    ) -> Result<Option<StartedJob>, RunnerError> {
        for step in 0..projects.len() {
            let index = (self.next_project + step) % projects.len();
            let request = self.context.start_request(projects[index], max_units, Duration::ZERO);
            if let Some(started) = self.context.start_job(request).await? {
                self.next_project = index + 1;
                return Ok(Some(started));
            }
        }
        Ok(None)
    }

    /// Waits for a job of any project, or until freed units make room for a larger job. With `once`
    /// also until a job of this runner has ended: it may have been the last.
    async fn wait_for_job(
        &mut self,
        projects: &[i64],
        max_units: u32,
    ) -> Result<Option<StartedJob>, RunnerError> {
        let (mut calls, mut open) = (JoinSet::new(), Vec::new());
        for project in projects {
            let request = self.context.start_request(*project, max_units, START_WAIT);
            open.push(request.clone());
            let context = self.context.clone();
            calls.spawn(
                async move { (request.request_id.clone(), context.start_job(request).await) },
            );
        }
        let (room_for_all, began) = (max_units >= self.max_job_units(), Instant::now());
        let once = self.context.settings.once;
        let found = loop {
            tokio::select! {
                done = calls.join_next() => match done {
                    Some(Ok((id, response))) => {
                        open.retain(|request| request.request_id != id);
                        if let Some(started) = response? {
                            break Some(started);
                        }
                    }
                    Some(Err(_)) => {}
                    None => {
                        self.back_off_after(began).await;
                        break None;
                    }
                },
                () = self.context.units_freed.notified(), if !room_for_all || once => break None,
                _ = self.jobs.join_next(), if once && !self.jobs.is_empty() => break None,
            }
        };
        let now = Instant::now();
        self.abandoned = open.into_iter().map(|request| (now, request)).collect();
        Ok(found)
    }

    /// Waits if all calls came back without a job sooner than they should.
    async fn back_off_after(&mut self, began: Instant) {
        match began.elapsed() < MIN_EMPTY_WAIT {
            true => sleep(self.backoff.pause()).await,
            false => self.backoff.reset(),
        }
    }

    /// Units of the largest job that this runner takes.
    fn max_job_units(&self) -> u32 {
        self.context.settings.units.min(MAX_UNITS.into())
    }

    /// Units that the next job may take: those that are free, but once in each
    /// [`ANY_SIZE_INTERVAL`] all, so that small jobs do not pass a large one for ever. Such a large
    /// job then waits in this runner for its units, and no other is taken meanwhile.
    fn max_units(&mut self) -> u32 {
        let all = self.max_job_units();
        let free = self.context.units.available_permits();
        // The caller holds one more unit.
        let free = u32::try_from(free).map_or(all, |free| free.saturating_add(1));
        let due = self.any_size_asked.is_none_or(|last| last.elapsed() >= ANY_SIZE_INTERVAL);
        if free < all && !due {
            return free;
        }
        self.any_size_asked = Some(Instant::now());
        all
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use tonic::transport::Endpoint;

    use super::*;
    use crate::{
        allowed_environment::AllowedEnvironment,
        resource_limits::ResourceLimits,
        settings::{OnDrain, Work},
        template::Template,
        users::Users,
    };

    fn dispatch(units: u32) -> Dispatch {
        let endpoint = Endpoint::from_static("http://127.0.0.1:1");
        let settings = Settings {
            endpoint: endpoint.clone(),
            server: String::new(),
            api_key: String::new(),
            projects: vec![1],
            spiders: Vec::new(),
            tags: Vec::new(),
            lacks_tags: Vec::new(),
            units,
            lease: Duration::from_secs(30),
            work: Work::Command {
                template: Template::parse("true").unwrap(),
                allowed: AllowedEnvironment::default(),
            },
            data_dir: PathBuf::new(),
            name: String::new(),
            keep_local: false,
            rotate_bytes: 1,
            max_bytes: 1,
            limits: ResourceLimits::default(),
            users: Users::default(),
            runtime_limit: None,
            stall_limit: None,
            cancel_grace: Duration::ZERO,
            drain: None,
            on_drain: OnDrain::Finish,
            unit_memory: 1,
            once: false,
            version: None,
            deploy_id: None,
        };
        let client = Client::new(endpoint, "key").unwrap();
        Dispatch::new(settings, client, Shutdown::channel().1, Arc::default())
    }

    #[tokio::test(start_paused = true)]
    async fn jobs_fit_the_free_units_but_once_a_minute_any_size_is_taken() {
        let mut dispatch = dispatch(4);
        let units = Arc::clone(&dispatch.context.units);
        let _busy = Arc::clone(&units).acquire_many_owned(2).await.unwrap();
        let _mine = units.acquire_owned().await.unwrap();
        assert_eq!(dispatch.max_units(), 4, "a job of any size is due at first");
        assert_eq!(dispatch.max_units(), 2, "the unit in hand and the one that is left");
        tokio::time::advance(ANY_SIZE_INTERVAL).await;
        assert_eq!(dispatch.max_units(), 4);
        assert_eq!(dispatch.max_units(), 2);
    }

    #[tokio::test]
    async fn no_job_takes_more_than_six_units() {
        let mut dispatch = dispatch(64);
        let units = Arc::clone(&dispatch.context.units);
        let _mine = units.acquire_owned().await.unwrap();
        assert_eq!([dispatch.max_units(), dispatch.max_units()], [6, 6]);
    }
}
