//! Notifications: scripts publish on a project's channel while its `wake` key is there; one connection
//! of the process hears all channels, and is kept up by a task of its own. After every gap all
//! who wait are woken: they look for themselves.

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use redis::{PushInfo, PushKind, RedisResult, aio::MultiplexedConnection};
use tokio::{
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval},
};

use super::{
    connection::{Connection, within},
    keys::Keys,
    link::jittered,
};
use spiderq_core::{
    error::{Error, Result},
    model::ProjectId,
    store::Notifications,
};

/// How long a project's changes are published after somebody was last known to wait, ms.
const WAKE_MS: u64 = 60_000;
/// How often that is told again, and the connection asked whether it lives.
const RENEWAL: Duration = Duration::from_secs(15);
/// How long after a failure it is tried again, with jitter.
const AGAIN: Duration = Duration::from_millis(500);

/// Who waits, by project.
type Waiting = Mutex<HashMap<ProjectId, Channel>>;

/// A project to which somebody listens, or would.
#[derive(Default)]
struct Channel {
    pulse: watch::Sender<()>,
    /// Whether changes are heard now.
    heard: watch::Sender<bool>,
}

/// Gives out pulses.
pub(super) struct Hub {
    connection: Connection,
    waiting: Arc<Waiting>,
    /// Projects to listen to; `None` until the task runs.
    wanted: Mutex<Option<mpsc::UnboundedSender<ProjectId>>>,
}

impl Hub {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection, waiting: Arc::default(), wanted: Mutex::default() }
    }

    /// [`Store::pulses`](spiderq_core::store::Store::pulses), from when the channel is heard.
    pub(super) async fn subscribe(&self, project: ProjectId) -> Result<Notifications> {
        let (pulse, mut heard) = {
            let mut waiting = lock(&self.waiting);
            let channel = waiting.entry(project).or_default();
            (channel.pulse.subscribe(), channel.heard.subscribe())
        };
        if !*heard.borrow() {
            self.want(project);
            let hearing = heard.wait_for(|heard| *heard);
            hearing.await.map_err(Error::unavailable)?;
        }
        Ok(Notifications::new(pulse))
    }

    fn want(&self, project: ProjectId) {
        let mut wanted = lock(&self.wanted);
        let unheard = wanted.as_ref().is_none_or(|wanted| wanted.send(project).is_err());
        if unheard {
            let (send, wishes) = mpsc::unbounded_channel();
            let waiting = Arc::downgrade(&self.waiting);
            tokio::spawn(listen(self.connection.clone(), waiting, wishes));
            // It is listening to all that are waiting anyway.
            *wanted = Some(send);
        }
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hub(…)")
    }
}

/// What the connection says.
enum Heard {
    Change(String),
    End,
}

/// Keeps a connection that listens, until the hub is gone.
async fn listen(
    connection: Connection,
    waiting: Weak<Waiting>,
    mut wanted: mpsc::UnboundedReceiver<ProjectId>,
) {
    loop {
        let (sender, mut heard) = mpsc::unbounded_channel();
        let pushes = move |push: PushInfo| {
            let heard = if push.kind == PushKind::Disconnection {
                Some(Heard::End)
            } else if push.kind == PushKind::Message {
                let channel = push.data.into_iter().next().map(redis::from_redis_value);
                channel.and_then(Result::ok).map(Heard::Change)
            } else {
                None
            };
            // Who does not listen any more has its reasons.
            let _ = heard.map(|heard| sender.send(heard));
            Ok::<_, redis::aio::SendError>(())
        };
        let ears = match connection.listen(Arc::new(pushes)).await {
            Ok(ears) => Ears { ears, connection: &connection },
            Err(error) => {
                tracing::debug!(%error, "can't listen for changes");
                if ended_within(jittered(AGAIN), &waiting, &mut wanted).await {
                    return;
                }
                continue;
            }
        };
        match ears.hear(&waiting, &mut wanted, &mut heard).await {
            Ok(()) => return,
            Err(error) => tracing::warn!(%error, "no longer hears of changes; tries again"),
        }
        deaf(&waiting);
        if ended_within(jittered(AGAIN), &waiting, &mut wanted).await {
            return;
        }
    }
}

/// Waits so long; whether the hub is gone after it. Wishes that come meanwhile are known from
/// who waits.
async fn ended_within(
    wait: Duration,
    waiting: &Weak<Waiting>,
    wanted: &mut mpsc::UnboundedReceiver<ProjectId>,
) -> bool {
    let drained = async { while wanted.recv().await.is_some() {} };
    tokio::time::timeout(wait, drained).await.is_ok() || waiting.strong_count() == 0
}

/// A connection that listens.
struct Ears<'a> {
    ears: MultiplexedConnection,
    connection: &'a Connection,
}

impl Ears<'_> {
    /// Passes on what is heard until the hub is gone, or the connection is.
    async fn hear(
        mut self,
        waiting: &Weak<Waiting>,
        wanted: &mut mpsc::UnboundedReceiver<ProjectId>,
        heard: &mut mpsc::UnboundedReceiver<Heard>,
    ) -> RedisResult<()> {
        let mut channels = HashMap::new();
        for project in all(waiting) {
            self.begin(project, waiting, &mut channels).await?;
        }
        let mut renewal = interval(RENEWAL);
        renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
        renewal.tick().await;
        loop {
            tokio::select! {
                project = wanted.recv() => match project {
                    Some(project) => self.begin(project, waiting, &mut channels).await?,
                    None => return Ok(()),
                },
                message = heard.recv() => match message {
                    Some(Heard::Change(channel)) => {
                        if let Some(project) = channels.get(&channel) {
                            wake(waiting, *project);
                        }
                    }
                    Some(Heard::End) | None => {
                        return Err(std::io::Error::from(std::io::ErrorKind::BrokenPipe).into());
                    }
                },
                _ = renewal.tick() => {
                    // An answer shows that the way is open; pushes alone would not.
                    redis::cmd("PING").query_async::<()>(&mut self.ears).await?;
                    self.renew(waiting, &mut channels).await?;
                }
            }
        }
    }

    /// Listens to a project, and wakes who waits for it: they may have missed something. Where
    /// its server is away, it is not heard, and is tried again when it is wanted again.
    async fn begin(
        &mut self,
        project: ProjectId,
        waiting: &Weak<Waiting>,
        channels: &mut HashMap<String, ProjectId>,
    ) -> RedisResult<()> {
        let channel = Keys(project).wake();
        if let Entry::Vacant(place) = channels.entry(channel) {
            self.ears.subscribe(place.key()).await?;
            place.insert(project);
        }
        if self.tell(project).await {
            wake(waiting, project);
            hear(waiting, project, true);
        }
        Ok(())
    }

    /// Has the scripts publish for a while; whether they will.
    async fn tell(&self, project: ProjectId) -> bool {
        let mut pipe = redis::pipe();
        pipe.cmd("SET").arg(Keys(project).wake()).arg(1).arg("PX").arg(WAKE_MS).ignore();
        let told = within(self.connection.pipe::<()>(&pipe)).await;
        if let Err(error) = &told {
            tracing::debug!(%error, %project, "changes may not be published");
        }
        told.is_ok()
    }

    async fn renew(
        &mut self,
        waiting: &Weak<Waiting>,
        channels: &mut HashMap<String, ProjectId>,
    ) -> RedisResult<()> {
        let idle = idle(waiting);
        for project in idle {
            let channel = Keys(project).wake();
            self.ears.unsubscribe(&channel).await?;
            channels.remove(&channel);
        }
        for project in channels.values() {
            if !self.tell(*project).await {
                hear(waiting, *project, false);
                // They look for themselves, and want it again.
                wake(waiting, *project);
            }
        }
        Ok(())
    }
}

fn all(waiting: &Weak<Waiting>) -> Vec<ProjectId> {
    let waiting = waiting.upgrade();
    waiting.map_or_else(Vec::new, |waiting| lock(&waiting).keys().copied().collect())
}

fn wake(waiting: &Weak<Waiting>, project: ProjectId) {
    if let Some(waiting) = waiting.upgrade()
        && let Some(channel) = lock(&waiting).get(&project)
    {
        channel.pulse.send_replace(());
    }
}

fn hear(waiting: &Weak<Waiting>, project: ProjectId, heard: bool) {
    if let Some(waiting) = waiting.upgrade()
        && let Some(channel) = lock(&waiting).get(&project)
    {
        channel.heard.send_replace(heard);
    }
}

/// Nothing is heard any more.
fn deaf(waiting: &Weak<Waiting>) {
    if let Some(waiting) = waiting.upgrade() {
        for channel in lock(&waiting).values() {
            channel.heard.send_replace(false);
            channel.pulse.send_replace(());
        }
    }
}

/// Projects for which nobody waits any more; they are forgotten.
fn idle(waiting: &Weak<Waiting>) -> Vec<ProjectId> {
    let Some(waiting) = waiting.upgrade() else {
        return Vec::new();
    };
    let mut waiting = lock(&waiting);
    let unused = |channel: &Channel| {
        channel.pulse.receiver_count() == 0 && channel.heard.receiver_count() == 0
    };
    let gone = waiting.extract_if(|_, channel| unused(channel));
    gone.map(|(project, _)| project).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
