//! Pulses: scripts publish on a project's channel while its `wake` key is there; one connection
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
use crate::{model::ProjectId, store::Pulses};

/// How long a project's changes are published after somebody was last known to wait, ms.
const WAKE_MS: u64 = 60_000;
/// How often that is told again, and the connection asked whether it lives.
const RENEWAL: Duration = Duration::from_secs(15);
/// How long after a failure it is tried again, with jitter.
const AGAIN: Duration = Duration::from_millis(500);

/// Who waits, by project.
type Waiting = Mutex<HashMap<ProjectId, watch::Sender<()>>>;

/// Gives out pulses.
pub(super) struct Hub {
    connection: Connection,
    waiting: Arc<Waiting>,
    /// Projects to listen to; `None` until the task runs.
    wanted: Mutex<Option<mpsc::UnboundedSender<ProjectId>>>,
}

impl Hub {
    pub(super) fn new(connection: Connection) -> Self {
        Self {
            connection,
            waiting: Arc::default(),
            wanted: Mutex::default(),
        }
    }

    /// [`Store::pulses`](crate::store::Store::pulses). The first pulse comes when the channel is
    /// heard: what changed until then is seen after it.
    pub(super) fn pulses(&self, project: ProjectId) -> Pulses {
        let mut waiting = lock(&self.waiting);
        if let Some(sender) = waiting.get(&project) {
            return Pulses::new(sender.subscribe());
        }
        let (sender, receiver) = watch::channel(());
        waiting.insert(project, sender);
        drop(waiting);
        let mut wanted = lock(&self.wanted);
        let unheard = wanted
            .as_ref()
            .is_none_or(|wanted| wanted.send(project).is_err());
        if unheard {
            let (send, wishes) = mpsc::unbounded_channel();
            let waiting = Arc::downgrade(&self.waiting);
            tokio::spawn(listen(self.connection.clone(), waiting, wishes));
            // It is listening to all that are waiting anyway.
            *wanted = Some(send);
        }
        Pulses::new(receiver)
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
            Ok(ears) => Ears {
                ears,
                connection: &connection,
            },
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
        wake_all(&waiting);
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

    /// Listens to a project, and wakes who waits for it: they may have missed something.
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
        self.tell(project).await;
        wake(waiting, project);
        Ok(())
    }

    /// Has the scripts publish for a while.
    async fn tell(&self, project: ProjectId) {
        let mut pipe = redis::pipe();
        pipe.cmd("SET")
            .arg(Keys(project).wake())
            .arg(1)
            .arg("PX")
            .arg(WAKE_MS)
            .ignore();
        if let Err(error) = within(self.connection.pipe::<()>(&pipe)).await {
            tracing::debug!(%error, %project, "changes may not be published");
        }
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
            self.tell(*project).await;
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
        && let Some(sender) = lock(&waiting).get(&project)
    {
        sender.send_replace(());
    }
}

fn wake_all(waiting: &Weak<Waiting>) {
    if let Some(waiting) = waiting.upgrade() {
        for sender in lock(&waiting).values() {
            sender.send_replace(());
        }
    }
}

/// Projects for which nobody waits any more; they are forgotten.
fn idle(waiting: &Weak<Waiting>) -> Vec<ProjectId> {
    let Some(waiting) = waiting.upgrade() else {
        return Vec::new();
    };
    let mut waiting = lock(&waiting);
    let gone = waiting.extract_if(|_, sender| sender.receiver_count() == 0);
    gone.map(|(project, _)| project).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
