//! The runner itself: asks for jobs while units are free, in turn from each project, and
//! runs what it gets.

use std::{collections::VecDeque, fmt, sync::Arc, time::Duration};

use spiderq_proto::v1::StartJobRequest;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch},
    task::JoinSet,
    time::Instant,
};
use uuid::Uuid;

use crate::{
    job::{Context, Started},
    pause::Pause,
    phase::{Phase, Signals},
    queue::{Queue, Refusal},
    settings::Settings,
    terminal,
};

/// How long a call waits for a job.
const WAIT: Duration = Duration::ZERO;
/// How often an idle runner asks where the server does not let it wait.
const IDLE: Duration = Duration::from_millis(200);
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
/// Says why it can't go on: the server refuses its key, or a third signal came.
pub async fn run(settings: Settings) -> Result<(), Failure> {
    let signals = Signals::catch();
    let signals = signals.map_err(|error| Failure(format!("can't wait for signals: {error}")))?;
    let queue = Queue::new(settings.endpoint.clone(), &settings.api_key);
    let queue = queue.map_err(|why| Failure(format!("--api-key: {why}")))?;
    let (sender, phase) = watch::channel(Phase::Taking);
    let dispatch = Dispatch {
        turn: 0,
        head: None,
        extra: VecDeque::new(),
        jobs: JoinSet::new(),
        context: Context {
            units: Arc::new(Semaphore::new(settings.units as usize)),
            settings: Arc::new(settings),
            queue,
            phase,
        },
    };
    tokio::select! {
        done = dispatch.run() => done,
        () = signals.lead(sender) => Err(Failure("ended with jobs under way".to_owned())),
        () = terminal::animate() => Ok(()),
    }
}

struct Dispatch {
    context: Context,
    /// Whose turn it is to be asked first.
    turn: usize,
    /// When the head of the queue last had its turn.
    head: Option<Instant>,
    /// Jobs that came together with the one that was waited for.
    extra: VecDeque<Started>,
    jobs: JoinSet<()>,
}

impl Dispatch {
    async fn run(mut self) -> Result<(), Failure> {
        let settings = Arc::clone(&self.context.settings);
        let (projects, units) = (&settings.projects, settings.units);
        tracing::info!(server = settings.server, ?projects, units, "taking jobs");
        let mut phase = self.context.phase.clone();
        let ended = tokio::select! {
            ended = self.take() => ended,
            _ = phase.wait_for(|phase| *phase > Phase::Taking) => Ok(()),
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
            let next = match self.extra.pop_front() {
                Some(next) => Some(next),
                None => self.next().await?,
            };
            match next {
                Some(started) => self.start(started, unit).await,
                None if self.context.settings.once => return Ok(()),
                None => tokio::time::sleep_until(Instant::now() + IDLE).await,
            }
        }
    }

    /// Runs a job beside the others, once it has its units: until then no other is taken.
    async fn start(&mut self, started: Started, unit: OwnedSemaphorePermit) {
        let (sender, ready) = oneshot::channel();
        self.jobs
            .spawn(self.context.clone().run(started, unit, sender));
        // An error means that it ended before.
        let _ = ready.await;
    }

    /// The next job; `None`: there was none for a while.
    async fn next(&mut self) -> Result<Option<Started>, Failure> {
        let projects = self.context.settings.projects.clone();
        let max_units = self.room();
        // Those who have something are served in turn, before all are waited for.
        if projects.len() > 1 || self.context.settings.once {
            for step in 0..projects.len() {
                let at = (self.turn + step) % projects.len();
                let ask = self.context.ask(projects[at], max_units, Duration::ZERO);
                if let Some(started) = ask.await? {
                    self.turn = at + 1;
                    return Ok(Some(started));
                }
            }
        }
        if self.context.settings.once {
            return Ok(None);
        }
        let mut asks = JoinSet::new();
        for project in projects {
            let context = self.context.clone();
            asks.spawn(async move { context.ask(project, max_units, WAIT).await });
        }
        let mut first = None;
        while let Some(done) = asks.join_next().await {
            first = done.unwrap_or(Ok(None))?;
            if first.is_some() {
                break;
            }
        }
        // The others are given up, but not a job that is here already. One whose answer is
        // under way this moment comes back by its lease.
        while let Some(done) = asks.try_join_next() {
            self.extra.extend(done.unwrap_or(Ok(None))?);
        }
        Ok(first)
    }

    /// The most units that the next job may take: those that are free, and now and then as
    /// many as there are, so that a large job is not passed by small ones for ever. It then
    /// waits in our hands, and no other is taken, until it has its units.
    fn room(&mut self) -> u32 {
        let all = self.context.settings.units;
        let free = self.context.units.available_permits();
        let free = u32::try_from(free).unwrap_or(all).saturating_add(1);
        let due = self.head.is_none_or(|last| last.elapsed() >= TURN);
        if free < all && !due {
            return free;
        }
        self.head = Some(Instant::now());
        all
    }
}

impl Context {
    /// Asks for a job until there is an answer: a call whose answer was lost is repeated by
    /// the same id, so that the job that it took is not.
    async fn ask(
        &self,
        project: i64,
        max_units: u32,
        wait: Duration,
    ) -> Result<Option<Started>, Failure> {
        let settings = &self.settings;
        let request = StartJobRequest {
            project,
            spiders: settings.spiders.clone(),
            has_tags: settings.tags.clone(),
            lacks_tags: settings.lacks_tags.clone(),
            max_units,
            lease_ms: i64::try_from(settings.lease.as_millis()).ok(),
            wait_ms: i64::try_from(wait.as_millis()).unwrap_or_default(),
            request_id: Uuid::now_v7().to_string(),
            ..StartJobRequest::default()
        };
        let mut pause = Pause::default();
        let mut quiet = false;
        loop {
            match self.queue.start(request.clone()).await {
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
}
