//! The runner itself: asks for jobs while units are free, in turn from each project, and
//! runs what it gets.

use std::{fmt, fs, sync::Arc, time::Duration};

use spiderq_proto::v1::StartJobRequest;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch},
    task::JoinSet,
    time::Instant,
};
use uuid::Uuid;

use crate::{
    context::Context,
    job::Started,
    pause::Pause,
    phase::{Phase, Signals},
    queue::{PATIENCE, Queue, Refusal},
    settings::Settings,
    system::hide_from_jobs,
    terminal,
};

/// How long a call waits for a job.
const WAIT: Duration = Duration::from_secs(30);
/// A call that waits and comes back without a job this soon was sent away: its server is about
/// to end.
const AT_ONCE: Duration = Duration::from_secs(1);
/// How long the repetition of a call that was given up may take.
const SHORTLY: Duration = Duration::from_millis(250);
/// Most units that a job may take.
const MOST_UNITS: u32 = 6;
/// How often the head of the queue has its turn, however many units it takes. In between
/// come jobs for which there are units.
const TURN: Duration = Duration::from_secs(60);

/// Why a runner ended that should not have.
#[derive(Debug)]
pub struct Failure(String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

/// Runs jobs until a signal, or with `once` until none is pending.
///
/// # Errors
/// Says why it can't go on: the server refuses its key, its files can't be written, or a third
/// signal came.
pub async fn run(settings: Settings) -> Result<(), Failure> {
    let signals = Signals::catch();
    let signals = signals.map_err(|error| Failure(format!("can't wait for signals: {error}")))?;
    let queue = Queue::new(settings.endpoint.clone(), &settings.api_key);
    let queue = queue.map_err(|why| Failure(format!("--api-key: {why}")))?;
    can_write(&settings)?;
    hide_from_jobs();
    let (sender, phase) = watch::channel(Phase::Taking);
    let dispatch = Dispatch {
        turn: 0,
        head: None,
        given_up: Vec::new(),
        pause: Pause::default(),
        jobs: JoinSet::new(),
        context: Context {
            units: Arc::new(Semaphore::new(settings.units as usize)),
            settings: Arc::new(settings),
            queue,
            phase,
            freed: Arc::default(),
            unfit: Arc::default(),
        },
    };
    tokio::select! {
        done = dispatch.run() => done,
        () = signals.lead(sender) => Err(Failure("ended with jobs under way".to_owned())),
        () = terminal::animate() => Ok(()),
    }
}

/// A runner that can't keep what its jobs say must not take any.
fn can_write(settings: &Settings) -> Result<(), Failure> {
    let folder = &settings.data_dir;
    let tried = fs::create_dir_all(folder).and_then(|()| tempfile::tempfile_in(folder));
    tried.map(|_| ()).map_err(|error| {
        Failure(format!("--data-dir: can't write to {}: {error}", folder.display()))
    })
}

struct Dispatch {
    context: Context,
    /// Whose turn it is to be asked first.
    turn: usize,
    /// When the head of the queue last had its turn.
    head: Option<Instant>,
    /// Calls that were not waited for any more, and since when.
    given_up: Vec<(Instant, StartJobRequest)>,
    pause: Pause,
    jobs: JoinSet<()>,
}

impl Dispatch {
    async fn run(mut self) -> Result<(), Failure> {
        let settings = Arc::clone(&self.context.settings);
        let (projects, units) = (&settings.projects, settings.units);
        let largest = self.all();
        tracing::info!(server = settings.server, ?projects, units, largest, "taking jobs");
        let mut phase = self.context.phase.clone();
        let unfit = Arc::clone(&self.context.unfit);
        let ended = tokio::select! {
            ended = self.take() => ended,
            _ = phase.wait_for(|phase| *phase > Phase::Taking) => Ok(()),
            () = unfit.notified() => Err(Failure("jobs can't be run here".to_owned())),
        };
        if let Err(failure) = &ended {
            tracing::error!(%failure, "taking no more jobs");
        }
        while self.jobs.join_next().await.is_some() {}
        tracing::info!("stopped");
        ended
    }

    /// Takes jobs for ever, or until there are none with `once`.
    async fn take(&mut self) -> Result<(), Failure> {
        loop {
            while self.jobs.try_join_next().is_some() {}
            let units = Arc::clone(&self.context.units);
            let Ok(unit) = units.acquire_owned().await else {
                return Ok(());
            };
            let next = self.next().await?;
            match next {
                Some(started) => self.start(started, unit).await,
                None if self.context.settings.once => return Ok(()),
                None => {}
            }
        }
    }

    /// Runs a job beside the others, once it has its units: until then no other is taken.
    async fn start(&mut self, started: Started, unit: OwnedSemaphorePermit) {
        let (sender, ready) = oneshot::channel();
        let context = self.context.clone();
        let freed = Arc::clone(&context.freed);
        self.jobs.spawn(async move {
            context.run(started, unit, sender).await;
            freed.notify_one();
        });
        // An error means that it ended before.
        let _ = ready.await;
    }

    /// The next job; `None`: there was none for a while.
    async fn next(&mut self) -> Result<Option<Started>, Failure> {
        while let Some((since, request)) = self.given_up.pop() {
            if since.elapsed() < self.context.settings.lease
                && let Some(started) = self.context.repeat(request).await
            {
                return Ok(Some(started));
            }
        }
        let projects = self.context.settings.projects.clone();
        let max_units = self.room();
        // Those who have something are served in turn, before all are waited for.
        if projects.len() > 1 || self.context.settings.once {
            for step in 0..projects.len() {
                let at = (self.turn + step) % projects.len();
                let request = self.context.request(projects[at], max_units, Duration::ZERO);
                if let Some(started) = self.context.ask(request).await? {
                    self.turn = at + 1;
                    return Ok(Some(started));
                }
            }
        }
        match self.context.settings.once {
            true => Ok(None),
            false => self.wait(&projects, max_units).await,
        }
    }

    /// Waits for a job of any project, or for units that make room for a larger one.
    async fn wait(&mut self, projects: &[i64], max_units: u32) -> Result<Option<Started>, Failure> {
        let (mut calls, mut open) = (JoinSet::new(), Vec::new());
        for project in projects {
            let request = self.context.request(*project, max_units, WAIT);
            open.push(request.clone());
            let context = self.context.clone();
            calls.spawn(async move { (request.request_id.clone(), context.ask(request).await) });
        }
        let (all, began) = (self.all(), Instant::now());
        let found = loop {
            tokio::select! {
                done = calls.join_next() => match done {
                    Some(Ok((id, answer))) => {
                        open.retain(|request| request.request_id != id);
                        if let Some(started) = answer? {
                            break Some(started);
                        }
                    }
                    Some(Err(_)) => {}
                    None => {
                        match began.elapsed() < AT_ONCE {
                            true => self.pause.wait().await,
                            false => self.pause = Pause::default(),
                        }
                        break None;
                    }
                },
                () = self.context.freed.notified(), if max_units < all => break None,
            }
        };
        // Any of them may have taken a job this moment: the next call asks them for it.
        let now = Instant::now();
        self.given_up = open.into_iter().map(|request| (now, request)).collect();
        Ok(found)
    }

    /// Units of the largest job that it takes.
    fn all(&self) -> u32 {
        self.context.settings.units.min(MOST_UNITS)
    }

    /// The most units that the next job may take: those that are free, and now and then as
    /// many as there are, so that a large job is not passed by small ones for ever. It then
    /// waits in our hands, and no other is taken, until it has its units.
    fn room(&mut self) -> u32 {
        let all = self.all();
        let free = self.context.units.available_permits();
        // One more is in the hands of who asks.
        let free = u32::try_from(free).map_or(all, |free| free.saturating_add(1));
        let due = self.head.is_none_or(|last| last.elapsed() >= TURN);
        if free < all && !due {
            return free;
        }
        self.head = Some(Instant::now());
        all
    }
}

impl Context {
    fn request(&self, project: i64, max_units: u32, wait: Duration) -> StartJobRequest {
        let settings = &self.settings;
        StartJobRequest {
            project,
            spiders: settings.spiders.clone(),
            has_tags: settings.tags.clone(),
            lacks_tags: settings.lacks_tags.clone(),
            max_units,
            lease_ms: i64::try_from(settings.lease.as_millis()).ok(),
            wait_ms: i64::try_from(wait.as_millis()).unwrap_or_default(),
            request_id: Uuid::now_v7().to_string(),
            ..StartJobRequest::default()
        }
    }

    /// Asks for a job until there is an answer: a call whose answer was lost is repeated by
    /// the same id, so that the job that it took is not.
    async fn ask(&self, request: StartJobRequest) -> Result<Option<Started>, Failure> {
        let project = request.project;
        let wait = Duration::from_millis(request.wait_ms.unsigned_abs());
        let mut pause = Pause::default();
        let mut quiet = false;
        loop {
            match self.queue.start(request.clone(), PATIENCE + wait).await {
                Ok(answer) => return Ok(Started::of(project, answer)),
                Err(Refusal::Away(why)) => {
                    if !quiet {
                        tracing::warn!(project, why, "the server is away; asking again");
                    }
                    quiet = true;
                    pause.wait().await;
                }
                Err(refusal @ (Refusal::Lost | Refusal::Never(_) | Refusal::Forbidden(_))) => {
                    return Err(Failure(format!("project {project}: {refusal}")));
                }
            }
        }
    }

    /// The job that a call took before it was given up, if it did.
    async fn repeat(&self, request: StartJobRequest) -> Option<Started> {
        let project = request.project;
        let answer = self.queue.start(request, SHORTLY).await.ok()?;
        Started::of(project, answer)
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use tonic::transport::Endpoint;

    use super::*;
    use crate::{settings::Work, template::Template};

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
            work: Work::Command(Template::parse("true").unwrap()),
            data_dir: PathBuf::new(),
            rotate_bytes: 1,
            runtime_limit: None,
            stall_limit: None,
            cancel_grace: Duration::ZERO,
            unit_memory: 1,
            once: false,
            version: None,
            deploy_id: None,
        };
        Dispatch {
            turn: 0,
            head: None,
            given_up: Vec::new(),
            pause: Pause::default(),
            jobs: JoinSet::new(),
            context: Context {
                units: Arc::new(Semaphore::new(units as usize)),
                settings: Arc::new(settings),
                queue: Queue::new(endpoint, "key").unwrap(),
                phase: watch::channel(Phase::Taking).1,
                freed: Arc::default(),
                unfit: Arc::default(),
            },
        }
    }

    #[tokio::test(start_paused = true)]
    async fn jobs_fit_what_is_free_and_the_head_of_the_queue_has_its_turn() {
        let mut dispatch = dispatch(4);
        let units = Arc::clone(&dispatch.context.units);
        let _busy = Arc::clone(&units).acquire_many_owned(2).await.unwrap();
        let _mine = units.acquire_owned().await.unwrap();
        assert_eq!(dispatch.room(), 4, "its first turn");
        assert_eq!(dispatch.room(), 2, "the one in hand and the one that is left");
        tokio::time::advance(TURN).await;
        assert_eq!(dispatch.room(), 4);
        assert_eq!(dispatch.room(), 2);
    }

    #[tokio::test]
    async fn no_job_takes_more_than_six_units() {
        let mut dispatch = dispatch(64);
        let units = Arc::clone(&dispatch.context.units);
        let _mine = units.acquire_owned().await.unwrap();
        assert_eq!([dispatch.room(), dispatch.room()], [6, 6]);
    }
}
